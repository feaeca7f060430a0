/** What ends a server before it serves ends both kinds with the same exit code. */

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { newClient } from './frame/client.ts';
import { mixedEnsemble } from './frame/ensemble.ts';
import { until } from './frame/patience.ts';
import { reservePorts } from './frame/ports.ts';
import { commandOf, HOST, type Kind } from './frame/serverProcess.ts';

const KINDS: readonly Kind[] = ['apache', 'tabkeeper'];
/** Also of a virtual machine on a busy one; whoever has not ended by then serves. */
const END_LIMIT_MS = 90_000;

interface Places {
  readonly data: string;
  /** A file where a folder is wanted. */
  readonly file: string;
  readonly freePorts: readonly number[];
  readonly takenPort: number;
}

interface Case {
  readonly what: string;
  readonly exitCode: number;
  readonly myid?: string;
  readonly lines: (places: Places) => readonly string[];
}

const LIMITS = ['tickTime=500', 'initLimit=10', 'syncLimit=5'];
const alone = ({ data, freePorts: [client] }: Places): string[] => [
  `dataDir=${data}`,
  `clientPort=${client}`,
];
const members = (
  { freePorts: [client, quorum, election, ...others] }: Places,
  electionPort = election,
): string[] => [
  `server.1=${HOST}:${quorum}:${electionPort};${HOST}:${client}`,
  `server.2=${HOST}:${others[0]}:${others[1]};${HOST}:${others[2]}`,
];
const seat = (places: Places): string[] => [`dataDir=${places.data}`, ...LIMITS];

const CASES: readonly Case[] = [
  { what: 'no dataDir', exitCode: 2, lines: ({ freePorts: [port] }) => [`clientPort=${port}`] },
  {
    what: 'a tickTime that is no number',
    exitCode: 2,
    lines: (places) => [...alone(places), 'tickTime=abc'],
  },
  {
    what: 'a port that is no number',
    exitCode: 2,
    lines: ({ data }) => [`dataDir=${data}`, 'clientPort=first'],
  },
  {
    what: 'an election algorithm of old',
    exitCode: 2,
    lines: (places) => [...alone(places), 'electionAlg=1'],
  },
  {
    what: 'a word in the place of a yes or no',
    exitCode: 2,
    lines: (places) => [...alone(places), 'reconfigEnabled=maybe'],
  },
  {
    what: 'a peerType that is none',
    exitCode: 2,
    lines: (places) => [...alone(places), 'peerType=witness'],
  },
  {
    what: 'a member without ports',
    exitCode: 2,
    myid: '1',
    lines: (places) => [...seat(places), `server.1=${HOST}`, ...members(places).slice(1)],
  },
  { what: 'no myid', exitCode: 2, lines: (places) => [...seat(places), ...members(places)] },
  {
    what: 'a myid that is no number',
    exitCode: 2,
    myid: 'one',
    lines: (places) => [...seat(places), ...members(places)],
  },
  {
    what: 'a myid of no member',
    exitCode: 1,
    myid: '9',
    lines: (places) => [...seat(places), ...members(places)],
  },
  {
    what: 'no initLimit',
    exitCode: 2,
    myid: '1',
    lines: (places) => [`dataDir=${places.data}`, 'syncLimit=5', ...members(places)],
  },
  {
    what: 'no syncLimit',
    exitCode: 2,
    myid: '1',
    lines: (places) => [`dataDir=${places.data}`, 'initLimit=5', ...members(places)],
  },
  {
    what: 'a dynamic file that is not there',
    exitCode: 2,
    myid: '1',
    lines: (places) => [...seat(places), 'dynamicConfigFile=none'],
  },
  {
    what: 'a file in the place of dataDir',
    exitCode: 3,
    lines: ({ file, freePorts: [port] }) => [`dataDir=${file}`, `clientPort=${port}`],
  },
  {
    what: 'a file in the place of dataLogDir',
    exitCode: 3,
    lines: (places) => [...alone(places), `dataLogDir=${places.file}`],
  },
  {
    what: 'a client port that is taken',
    exitCode: 1,
    lines: ({ data, takenPort }) => [`dataDir=${data}`, `clientPort=${takenPort}`],
  },
  {
    what: 'an election port that is taken',
    exitCode: 14,
    myid: '1',
    lines: (places) => [
      ...seat(places),
      'electionPortBindRetry=1',
      ...members(places, places.takenPort),
    ],
  },
];

for (const { what, exitCode, myid, lines } of CASES) {
  test(`${what} ends both kinds with ${exitCode}`, async () => {
    const places = await somePlaces();
    for (const kind of KINDS) {
      if (myid !== undefined) writeFileSync(join(places.data, 'myid'), myid);
      const { code, output } = await run(kind, lines(places));
      expect({ kind, code }, output).toEqual({ kind, code: exitCode });
    }
  });
}

test('a configuration that is not there ends both kinds with 2', async () => {
  for (const kind of KINDS) {
    const { code, output } = await run(kind, null);
    expect({ kind, code }, output).toEqual({ kind, code: 2 });
  }
});

test('a log without the snapshot before it ends both kinds with 1', async () => {
  for (const writer of KINDS) {
    const ensemble = await mixedEnsemble({ 1: writer });
    const server = ensemble.server(1);
    await until('it serves', async () => (await server.mode()) !== null);
    const client = newClient([server.clientAddress]);
    await client.create('/a');
    await server.kill();
    const folder = join(server.dataDir, 'version-2');
    for (const name of readdirSync(folder)) {
      if (name.startsWith('snapshot.')) rmSync(join(folder, name));
    }
    for (const kind of KINDS) {
      server.start(kind);
      await until(`${kind} has ended`, () => !server.running);
      expect({ writer, kind, code: server.exitCode }).toEqual({ writer, kind, code: 1 });
    }
  }
});

/** Starts a server and waits for its end; null: without a configuration file. */
async function run(
  kind: Kind,
  lines: readonly string[] | null,
): Promise<{ code: number | null; output: string }> {
  const folder = temporaryFolder();
  const config = join(folder, 'zoo.cfg');
  if (lines !== null) writeFileSync(config, `${lines.join('\n')}\nadmin.enableServer=false\n`);
  const [program = '', ...args] = [...commandOf(kind, folder, lines ?? []), config];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { cwd: folder });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const limit = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(limit);
  return { code, output: output.split('\n').slice(-20).join('\n') };
}

async function somePlaces(): Promise<Places> {
  const folder = temporaryFolder();
  const block = await reservePorts();
  onTestFinished(() => block.release());
  const [takenPort = 0, ...freePorts] = block.ports;
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(takenPort, '0.0.0.0', resolve));
  onTestFinished(() => void taken.close());
  const data = join(folder, 'data');
  mkdirSync(data);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  return { data, file, freePorts, takenPort };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tabkeeper-exit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
