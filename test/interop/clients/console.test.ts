/** The page's console prints, of a script of commands, what the real zkCli.sh prints of them. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ConsoleSession, type ConsoleWorld } from '../../../src/ui/console/console.ts';
import { askFourLetterWord } from '../../../src/client/fourLetterWord.ts';
import { nodeClock } from '../../../src/node/nodeClock.ts';
import { TcpNetwork } from '../../../src/node/tcpNetwork.ts';
import { newClient } from '../frame/client.ts';
import { mixedEnsemble } from '../frame/ensemble.ts';
import type { Kind } from '../frame/serverProcess.ts';

const ZK_CLI = '/usr/share/zookeeper/bin/zkCli.sh';
const SCRIPT = new URL('console.txt', import.meta.url);
const LIMIT_MS = 120_000;

interface Printed {
  readonly printed: readonly string[];
  readonly events: readonly string[];
  readonly complaints: readonly string[];
  /** What `help` lists. */
  readonly usages: readonly string[];
}

for (const kind of ['apache', 'tabkeeper'] as const) {
  test(`against ${kind}`, { timeout: 2 * LIMIT_MS }, async () => {
    const script = (address: string): string =>
      readFileSync(SCRIPT, 'utf8').replaceAll('SERVER', address);
    const [theirs, ours] = await Promise.all([
      withServer('apache', (address) => byZkCli(address, script(address))),
      withServer(kind, (address) => byConsole(address, script(address))),
    ]);
    const ownUsages = ours.usages.filter((usage) => /^\t(4lw|help) /.test(usage));
    expect(ours).toEqual({ ...theirs, usages: [...theirs.usages, ...ownUsages].sort() });
    expect(ownUsages).toHaveLength(2);
    expect(theirs.complaints).toContain('Created /cli');
    expect(theirs.printed).toContain('numChildren = 5');
  });
}

async function withServer(
  kind: Kind,
  run: (address: string) => Promise<Printed>,
): Promise<Printed> {
  const ensemble = await mixedEnsemble({ 1: kind, 2: kind, 3: kind });
  await ensemble.waitForServing();
  return run(ensemble.server(1).clientAddress);
}

async function byConsole(address: string, script: string): Promise<Printed> {
  const printed: string[] = [];
  const complaints: string[] = [];
  const world: ConsoleWorld = {
    home: address,
    connect: (to) => newClient([to]),
    servers: () => [address],
    ask: (to, word) => askFourLetterWord({ clock: nodeClock, network: new TcpNetwork() }, to, word),
  };
  const session = new ConsoleSession(world, {
    print: (line) => void printed.push(line),
    complain: (line) => void complaints.push(line),
    fail: (line) => void complaints.push(line),
    typed: () => {},
    quit: () => {},
  });
  for (const line of script.trim().split('\n')) await session.run(line);
  return sorted(printed.join('\n'), complaints.join('\n'));
}

async function byZkCli(address: string, script: string): Promise<Printed> {
  const child = spawn(ZK_CLI, ['-server', address], { timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  child.stdin.end(script);
  const [printed, complaints] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
  return sorted(printed, complaints);
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

const DAY = /\b\w{3} \w{3} +\d+ \d\d:\d\d:\d\d( \S+)? \d{4}\b/g;
const ADDRESS = /\b127\.0\.0\.1(:\d+)+/g;
/** How zkCli.sh greets, what its logger says, its release, and its line of usage. */
const GREETING =
  /^(SLF4J: |Connecting to |Welcome to |JLine |ZooKeeper CLI version: |ZooKeeper -server )/;
/** It has no such command; it lists the others and then refuses it. */
const HELP_REFUSED = 'Command not found: Command not found help';
const USAGE = /^\t\S/;
/** What the connection itself tells is the page's to show. */
const CONNECTED = 'WatchedEvent state:SyncConnected type:None path:null';

/** Without what differs from run to run, and with what comes by itself apart from the answers. */
function sorted(printed: string, complaints: string): Printed {
  const lines = (text: string): string[] =>
    text
      .replace(DAY, 'DAY')
      .replace(ADDRESS, 'ADDRESS')
      // zkCli forgets to end this line.
      .replace(/(KeeperErrorCode = NoAuth for \/cli)(?=')/, '$1\n')
      // Servers list a session's nodes in an order of their own.
      .replace(/^\[(.*)\]$/gm, (_, items: string) => `[${items.split(', ').sort().join(', ')}]`)
      .replace(/([cmp]Zxid|ephemeralOwner) = 0x[0-9a-f]+/g, '$1 = ID')
      .split('\n')
      .filter((line) => line.trim() !== '' && line !== 'WATCHER::' && !GREETING.test(line));
  const isEvent = (line: string): boolean => line.startsWith('WatchedEvent ');
  const all = lines(printed).filter((line) => line !== CONNECTED);
  const said = lines(complaints).filter((line) => line !== HELP_REFUSED);
  return {
    printed: all.filter((line) => !isEvent(line)),
    events: all.filter(isEvent),
    complaints: said.filter((line) => !USAGE.test(line)),
    usages: [...new Set(said.filter((line) => USAGE.test(line)))].sort(),
  };
}
