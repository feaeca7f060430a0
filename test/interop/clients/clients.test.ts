/**
 * Clients of other makers: what they print of three Tabkeeper servers is what they print of three real ones, but for
 * times, zxids, session ids and ports.
 */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type MixedEnsemble, mixedEnsemble } from '../frame/ensemble.ts';
import type { Kind } from '../frame/serverProcess.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ZK_CLI = '/usr/share/zookeeper/bin/zkCli.sh';
const C_CLIENT = '/usr/lib/zookeeper/bin/cli_mt';
const LIMIT_MS = 170_000;

test('kazoo and its recipes', { timeout: 2 * LIMIT_MS }, async () => {
  const [theirs, ours] = await ofBothKinds((ensemble) =>
    linesOf('/usr/bin/python3', `${HERE}kazoo_run.py`, ensemble),
  );
  expect(ours).toEqual(theirs);
  expect(theirs.slice(-2)).toEqual(['done', '']);
});

test("npm's node-zookeeper-client", { timeout: 2 * LIMIT_MS }, async () => {
  const [theirs, ours] = await ofBothKinds((ensemble) =>
    linesOf(process.execPath, `${HERE}node_client_run.mjs`, ensemble),
  );
  expect(ours).toEqual(theirs);
  expect(theirs.slice(-2)).toEqual(['done', '']);
});

test('zkCli.sh and its commands', { timeout: 2 * LIMIT_MS }, async () => {
  const commands = readFileSync(`${HERE}zkcli.txt`, 'utf8');
  const [theirs, ours] = await ofBothKinds(async (ensemble) => {
    const run = start(ZK_CLI, ['-server', ensemble.addresses(1).join(',')]);
    run.child.stdin.end(commands);
    const printed = await textOf(run.child.stdout);
    return { ...withEventsApart(printed), errors: normalised(await run.complaints) };
  });
  expect(ours).toEqual(theirs);
  expect(theirs.errors).toContain('Created /cli');
  expect(theirs.printed).toContain('numChildren = 4');
});

test('the C client and its commands', { timeout: 2 * LIMIT_MS }, async () => {
  const [theirs, ours] = await ofBothKinds(async (ensemble) => {
    const answers: string[] = [];
    for (const command of C_COMMANDS) {
      const run = start(C_CLIENT, ['-h', ensemble.addresses(2).join(','), '-c', command]);
      const printed = await textOf(run.child.stdout);
      const told = withSortedLists(normalised(`${printed}\n${await run.complaints}`));
      answers.push(command, ...told.filter((line) => !/ZOO_|time = /.test(line)));
    }
    return answers;
  });
  expect(ours).toEqual(theirs);
  expect(theirs.join('\n')).toContain('[/c]: rc = 0');
});

const C_COMMANDS = [
  ...['create /c', 'create /c', 'create +e /ce', 'create +s /cs-', 'create2 /c2', 'create /none/x'],
  ...['ls /', 'ls2 /', 'ls /none', 'get /c', 'set /c new', 'get /c', 'get /none'],
  ...['sync /c', 'delete /none', 'delete /c', 'delete /c2', 'ls /'],
];

/** What a script says of the ensemble and then complains of; the first server is stopped and started as it asks. */
async function linesOf(
  command: string,
  script: string,
  ensemble: MixedEnsemble,
): Promise<readonly string[]> {
  const lines: string[] = [];
  const run = start(command, [script, ensemble.addresses().join(',')]);
  const first = ensemble.server(1);
  for await (const line of createInterface({ input: run.child.stdout })) {
    lines.push(line);
    if (line === 'ASK stop') await first.stop();
    if (line === 'ASK start') {
      first.start();
      await ensemble.waitForServing();
    }
    if (line.startsWith('ASK')) run.child.stdin.write('done\n');
  }
  return [...lines, await run.complaints];
}

async function ofBothKinds<T>(run: (ensemble: MixedEnsemble) => Promise<T>): Promise<[T, T]> {
  const ofKind = async (kind: Kind): Promise<T> => {
    const ensemble = await mixedEnsemble({ 1: kind, 2: kind, 3: kind });
    await ensemble.waitForServing();
    return run(ensemble);
  };
  return Promise.all([ofKind('apache'), ofKind('tabkeeper')]);
}

function start(command: string, args: readonly string[]) {
  const child = spawn(command, args, { stdio: 'pipe', timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  return { child, complaints: textOf(child.stderr) };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

const DAY = /\b\w{3} \w{3} +\d+ \d\d:\d\d:\d\d( \w+)? \d{4}\b/g;

/** Lines without what differs from run to run. */
const normalised = (text: string): string[] =>
  text
    .replace(DAY, 'DAY')
    .replace(/0x[0-9a-f]{6,}/g, 'ID')
    .replace(/([cmp]zxid ?[=:] ?)\S+/gi, '$1ZXID')
    .replace(/127\.0\.0\.1(:\d+)+/g, 'ADDRESS')
    .split('\n')
    .filter((line) => line.trim() !== '');

/** Lines that a server gives in an order of its own, children and identities, in order. */
function withSortedLists(lines: readonly string[]): string[] {
  const isItem = (line: string): boolean => /^(\t[^=\t]+|\w+: [\w.]+)$/.test(line);
  const sorted: string[] = [];
  let items: string[] = [];
  for (const line of [...lines, '']) {
    if (isItem(line)) items.push(line);
    else {
      sorted.push(...items.sort(), line);
      items = [];
    }
  }
  return sorted.slice(0, -1);
}

/** A client's event thread prints between the lines of its main thread, wherever it happens to be. */
function withEventsApart(text: string): { printed: string[]; events: string[] } {
  const lines = normalised(text).filter((line) => line !== 'WATCHER::');
  const isEvent = (line: string): boolean => line.startsWith('WatchedEvent ');
  return {
    printed: withSortedLists(lines.filter((line) => !isEvent(line))),
    events: lines.filter(isEvent),
  };
}
