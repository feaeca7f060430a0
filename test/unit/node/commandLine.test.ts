/** What `npm start` understands, and what it says when it does not. */

import { describe, expect, it } from 'vitest';
import { readCommand } from '../../../src/node/commandLine.ts';

const problemOf = (...args: string[]): string => {
  const command = readCommand(args, undefined);
  return command.kind === 'bad' ? command.problem : `understood as ${command.kind}`;
};

describe('the command line', () => {
  it('serves this machine on port 8080 unless told otherwise', () => {
    const usual = { kind: 'rooms', everybody: false, https: false, port: 8080, embedders: [] };
    expect(readCommand([], undefined)).toEqual(usual);
    expect(readCommand([], '')).toEqual(usual);
    expect(readCommand([], '9001')).toEqual({ ...usual, port: 9001 });
    expect(readCommand(['--port', '9002', '--host', '--https'], '9001')).toEqual({
      kind: 'rooms',
      everybody: true,
      https: true,
      port: 9002,
      embedders: [],
    });
    expect(readCommand(['--port=0'], undefined)).toEqual({ ...usual, port: 0 });
  });

  it('names whose pages may embed the app', () => {
    const args = ['--embed', 'http://127.0.0.1:3000', '--embed=https://app.example'];
    expect(readCommand(args, undefined)).toMatchObject({
      embedders: ['http://127.0.0.1:3000', 'https://app.example'],
    });
    for (const wrong of ['app.example', 'https://app.example/', 'https://a b', 'file:///a', '*']) {
      expect(problemOf('--embed', wrong)).toContain('an origin is a scheme, a host');
    }
  });

  it('starts a server of an ensemble from its zoo.cfg', () => {
    expect(readCommand(['server', 'zoo.cfg'], 'nonsense')).toEqual({
      kind: 'server',
      configFile: 'zoo.cfg',
    });
  });

  it('says what is wrong and what would do', () => {
    expect(problemOf('--prot', '9000')).toContain("Unknown option '--prot'");
    expect(problemOf('--port')).toContain("'--port <value>' argument missing");
    expect(problemOf('--port', '80.5')).toContain('a whole number from 0 to 65535');
    expect(problemOf('--port', '65536')).toContain('--port is "65536"');
    expect(problemOf('9000')).toContain('For a port: --port 9000');
    expect(problemOf('--host', '10.0.0.7')).toContain('--host takes no address');
    expect(problemOf('server')).toContain('the path of a zoo.cfg');
    expect(readCommand([], 'eighty')).toMatchObject({ kind: 'bad' });
  });
});
