import { describe, expect, it } from 'vitest';
import { canonicalHost, isWildcardHost } from '../../../src/config/hostPort.ts';
import { parseQuorumServer } from '../../../src/config/quorumServer.ts';
import { sid } from '../../../src/wire/ids.ts';

const parse = (value: string) => parseQuorumServer(sid(1), value, 7);

describe('a server.N line', () => {
  it.each([
    ['tab-1:2888:3888', 'tab-1:2888:3888:participant'],
    ['tab-1:2888:3888;2181', 'tab-1:2888:3888:participant;0.0.0.0:2181'],
    ['h:1:2:observer;10.0.0.1:3', 'h:1:2:observer;10.0.0.1:3'],
    ['h:1:2:Participant', 'h:1:2:participant'],
    ['[::1]:1:2;[fe80::5%eth0]:3', '[0:0:0:0:0:0:0:1]:1:2:participant;[fe80:0:0:0:0:0:0:5%eth0]:3'],
    ['b:1:2|a:3:4:observer;5', 'a:3:4|b:1:2:observer;0.0.0.0:5'],
  ])('%s is written back as ZooKeeper writes it', (value, text) => {
    expect(parse(value).toString()).toBe(text);
    expect(parse(text)).toEqual(parse(value));
  });

  it('tells where to send votes, where to follow and where clients go', () => {
    const server = parse('[::1]:2888:3888:observer;[::2]:2181');
    expect(server.quorumAddress).toBe('[0:0:0:0:0:0:0:1]:2888');
    expect(server.electionAddress).toBe('[0:0:0:0:0:0:0:1]:3888');
    expect(server.clientAddress).toBe('[0:0:0:0:0:0:0:2]:2181');
    expect(server.type).toBe('observer');
  });

  it.each([
    ['', /parts/],
    ['h', /parts/],
    ['h:1', /parts/],
    ['h:1:2:observer:x', /parts/],
    [':1:2', /host is missing/],
    ['h ost:1:2', /"h ost" is no host name/],
    ['h:0:2', /quorum port "0"/],
    ['h:1:65536', /election port "65536"/],
    ['h:1:x', /election port "x"/],
    ['h:5:5', /must differ/],
    ['h:1:2:leader', /"leader" is no role/],
    ['h:1:2;a:b:c', /no client address/],
    ['h:1:2;x', /client port "x"/],
    ['h:1:2;1;2', /more than one ";"/],
    ['[::1:1:2', /parts/],
    ['h:1:2:observer|g:1:2:participant', /different roles/],
  ])('%s is refused with the line, what is wrong and what would do', (value, reason) => {
    expect(() => parse(value)).toThrow(reason);
    expect(() => parse(value)).toThrow(/^line 7: server\.1=.*host:quorumPort:electionPort/);
  });
});

describe('hosts', () => {
  it('that are IPv6 literals have one spelling', () => {
    expect(canonicalHost('2001:DB8::0001')).toBe('2001:db8:0:0:0:0:0:1');
    expect(canonicalHost('1:2:3:4:5:6:7:8')).toBe('1:2:3:4:5:6:7:8');
    expect(canonicalHost('::')).toBe('0:0:0:0:0:0:0:0');
  });

  it('that only look like IPv6 stay as they are', () => {
    for (const host of ['1::2::3', '1:2:3', '1:2:3:4:5:6:7:8::', 'x::1', '12345::', 'tab-1']) {
      expect(canonicalHost(host)).toBe(host);
    }
  });

  it('that stand for every address are told from others', () => {
    expect(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'].every(isWildcardHost)).toBe(true);
    expect(['127.0.0.1', '::1', 'tab-1', ''].some(isWildcardHost)).toBe(false);
  });
});
