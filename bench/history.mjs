/**
 * What a server's history costs: the memory that it keeps of a log of creates (and as many changes), how long it is read,
 * and how long a page waits for the next moment, for one far away, and for all that differs.
 *
 *   npm run bench:history -- --transactions 300000
 */

import { parseArgs } from 'node:util';
import { createServer } from 'vite';
import { printTable, spread } from './table.mjs';

const { values } = parseArgs({ options: { transactions: { type: 'string', default: '300000' } } });
const transactions = Number(values.transactions);
const MIB = 1024 * 1024;

const vite = await createServer({
  configFile: false,
  logLevel: 'error',
  server: { middlewareMode: true, watch: null },
  optimizeDeps: { noDiscovery: true },
});
const load = (path) => vite.ssrLoadModule(path);
const { TreeHistory } = await load('/src/inspector/treeHistory.ts');
const { fileSetsOf } = await load('/src/inspector/dataFiles.ts');
const { logHeader, writeLogRecord } = await load('/src/storage/txnLogFormat.ts');
const { encodeTxn } = await load('/src/wire/txns.ts');
const { OPEN_ACL_UNSAFE } = await load('/src/wire/dataRecords.ts');
const { OpCode } = await load('/src/wire/opCodes.ts');
const { toBytes } = await load('/src/wire/jute.ts');

/** Creates below one node, or below a thousand of them; every second transaction changes what was created. */
const SHAPES = {
  'creates below one node': (number) => create(`/all/n-${String(number).padStart(10, '0')}`),
  'creates below a thousand nodes': (number) =>
    number <= 1_000
      ? create(`/all/p${number}`)
      : create(`/all/p${(number % 1_000) + 1}/n${number}`),
  'creates and changes': (number) =>
    number % 2 === 0
      ? { type: OpCode.setData, path: `/all/n${number - 1}`, data: dataOf(number), version: 1 }
      : create(`/all/n${number}`),
};

const dataOf = (number) =>
  new TextEncoder().encode(`some forty bytes of data for number ${number}`);

function create(path) {
  return {
    type: OpCode.create,
    path,
    data: dataOf(1),
    acl: OPEN_ACL_UNSAFE,
    ephemeral: false,
    parentCVersion: -1,
  };
}

function filesOf(txnOf) {
  const records = [logHeader()];
  for (let number = 0; number < transactions; number++) {
    const txn = number === 0 ? create('/all') : txnOf(number);
    const payload = encodeTxn({ header: headerOf(number, txn), txn, digest: null });
    records.push(toBytes((writer) => writeLogRecord(writer, payload)));
  }
  const bytes = new Uint8Array(Buffer.concat(records));
  return fileSetsOf([{ path: 'log.100000001', bytes }])[0];
}

const headerOf = (number, { type }) => ({
  clientId: 2n << 56n,
  cxid: number,
  zxid: (1n << 32n) + BigInt(number + 1),
  time: 1_700_000_000_000 + number,
  type,
});

function memoryMiB() {
  for (let i = 0; i < 4; i++) globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed / MIB, buffers: arrayBuffers / MIB };
}

function timed(task) {
  const startMs = performance.now();
  task();
  return performance.now() - startMs;
}

function askedAt(history, moment, since) {
  history.page({ moment, since, known: ['/', '/all'], unknown: [], selected: '/all' });
}

const rows = [];
for (const [shape, txnOf] of Object.entries(SHAPES)) {
  let files = filesOf(txnOf);
  const logMiB = files.logs[0].bytes.length / MIB;
  const before = memoryMiB();
  let history = null;
  const readMs = timed(() => {
    history = new TreeHistory(files);
  });
  files = null;
  const after = memoryMiB();
  const middle = transactions >>> 1;
  const steps = Array.from({ length: 200 }, (_, i) =>
    timed(() => askedAt(history, middle - i, middle - i + 1)),
  );
  const jumps = [0.1, 0.5, 0.9, 0.2, 0.8].map((share, i, all) =>
    timed(() =>
      askedAt(
        history,
        Math.floor(share * transactions),
        Math.floor((all[i - 1] ?? 1) * transactions),
      ),
    ),
  );
  const storyMs = timed(() => history.story('/all', 50));
  const compareMs = timed(() => history.compare(0, transactions, ''));
  rows.push([
    shape,
    logMiB.toFixed(0),
    (after.heap - before.heap).toFixed(0),
    (after.buffers - before.buffers).toFixed(0),
    (readMs / 1000).toFixed(1),
    spread(steps, 2),
    spread(jumps, 0),
    storyMs.toFixed(0),
    compareMs.toFixed(0),
  ]);
  history = null;
}
console.log(`${transactions.toLocaleString('en')} transactions; median (least-greatest)`);
printTable(
  [
    '',
    'log MiB',
    'heap MiB',
    'columns MiB',
    'read s',
    'step ms',
    'jump ms',
    'story ms',
    'compare all ms',
  ],
  rows,
);
await vite.close();
