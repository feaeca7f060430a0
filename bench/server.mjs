/**
 * `npm run bench:server`: three Tabkeeper servers beside three of Apache ZooKeeper on this machine, under the same load,
 * taking turns. Prints ratios; look at the load average beside them before you believe them.
 *
 * `npm run bench:server -- --only set100,get100,failOver --seconds 2 --rounds 3 --profile <folder>`
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../scripts/build.mjs';
import { ensureDependencies } from '../scripts/dependencies.mjs';
import { failOver } from './failOver.mjs';
import { load } from './load.mjs';
import { Ensemble, missingForApache, ServerProcess } from './serverEnsembles.mjs';
import { printTable, quantile, spread } from './table.mjs';

const LOADS = {
  set100: { op: 'set', size: 100, title: 'setData 100 B' },
  set1k: { op: 'set', size: 1024, title: 'setData 1 KB' },
  get100: { op: 'get', size: 100, title: 'getData 100 B' },
  createDelete: { op: 'createDelete', size: 100, title: 'create, delete' },
  mixed: { op: 'mixed', size: 100, title: '70 % getData, 30 % setData' },
};
const PARTS = [...Object.keys(LOADS), 'restart', 'failOver', 'standalone'];
const OUTSTANDING = [1, 100, 1000];
const WARM_UP_MS = 300;
/** A JVM compiles what it does often: before the first figure it has done it for a while. */
const FIRST_WARM_UP_MS = 4000;
const ZNODES = 100_000;
/** An ensemble that loses its leader has usually been one for longer than a moment. */
const SETTLE_MS = 2000;
/** A heap that grows as it must, where memory is measured. */
const GROWING_HEAP = { apache: ['-Xms16m', '-Xmx1g'], tabkeeper: [] };

process.chdir(join(import.meta.dirname, '..'));
const options = readOptions();
ensureDependencies();
ensureBuilt();
const folder = mkdtempSync(join(tmpdir(), 'tabkeeper-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
const kinds = kindsToMeasure();
let portsUsed = 0;

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', default: PARTS.join(',') },
        outstanding: { type: 'string', default: OUTSTANDING.join(',') },
        kinds: { type: 'string', default: 'tabkeeper,apache' },
        seconds: { type: 'string', default: '2' },
        rounds: { type: 'string', default: '3' },
        port: { type: 'string', default: '28000' },
        profile: { type: 'string' },
      },
    });
    const only = values.only.split(',');
    const strange = only.filter((part) => !PARTS.includes(part));
    if (strange.length > 0) throw new Error(`no such part: ${strange.join(', ')}`);
    const numbers = { seconds: values.seconds, rounds: values.rounds, port: values.port };
    for (const [name, text] of Object.entries(numbers)) {
      if (!(Number(text) > 0)) throw new Error(`--${name} is "${text}", which is no number`);
    }
    return {
      only,
      outstanding: values.outstanding.split(',').map(Number),
      kinds: values.kinds.split(','),
      forMs: Number(values.seconds) * 1000,
      rounds: Number(values.rounds),
      port: Number(values.port),
      profile: values.profile === undefined ? null : resolve(values.profile),
    };
  } catch (error) {
    console.error(`${error.message}

npm run bench:server -- [--only <parts>] [--outstanding 1,100,1000] [--kinds tabkeeper,apache]
                        [--seconds <of each measurement>] [--rounds <number>] [--port <first>]
                        [--profile <folder for V8 CPU profiles of the Tabkeeper servers>]
Parts: ${PARTS.join(', ')}`);
    process.exit(2);
  }
}

function kindsToMeasure() {
  const missing = missingForApache();
  if (missing.length === 0 || !options.kinds.includes('apache')) return options.kinds;
  console.log(
    `Apache ZooKeeper is left out, as this machine lacks ${missing.join(', ')} ` +
      '(on Debian: apt-get install zookeeper default-jre-headless).',
  );
  return options.kinds.filter((kind) => kind !== 'apache');
}

/** A range of ports that nobody has used in this run: the old connections of a port linger. */
function nextPorts() {
  portsUsed++;
  return options.port + portsUsed * 10;
}

function newEnsemble(kind, runtimeOptions) {
  const port = nextPorts();
  return new Ensemble(kind, join(folder, `${kind}.${port}`), port, runtimeOptions);
}

function profiling(kind) {
  if (kind !== 'tabkeeper' || options.profile === null) return undefined;
  mkdirSync(options.profile, { recursive: true });
  return ['--cpu-prof', `--cpu-prof-dir=${options.profile}`, '--cpu-prof-interval=200'];
}

/** One measurement of one kind, and the CPU time of each server for 1,000 operations. */
async function measure(ensemble, point) {
  let before;
  let cpuMs;
  const figures = await load(ensemble.addresses, point, (began) => {
    const now = ensemble.servers.map((server) => server.cpuMs);
    if (began) before = now;
    else cpuMs = now.map((ms, index) => ms - before[index]);
  });
  const leader = ensemble.servers.indexOf(await ensemble.leader());
  const perThousand = (ms) => (ms / figures.operations) * 1000;
  const followers = cpuMs.filter((_, index) => index !== leader);
  return {
    ...figures,
    leaderCpu: perThousand(cpuMs[leader]),
    followerCpu: perThousand(followers.reduce((sum, ms) => sum + ms, 0) / followers.length),
    clientCpu: perThousand(figures.clientCpuMs),
    loadAverage: loadavg()[0],
  };
}

async function throughput(parts) {
  const ensembles = kinds.map((kind) => newEnsemble(kind, profiling(kind)));
  for (const ensemble of ensembles) {
    await ensemble.start();
    for (const part of parts) {
      const warmUp = {
        ...LOADS[part],
        outstanding: 100,
        warmUpMs: FIRST_WARM_UP_MS / parts.length,
      };
      await load(ensemble.addresses, { ...warmUp, forMs: 100 });
    }
  }
  const points = parts.flatMap((part) =>
    options.outstanding.map((outstanding) => ({
      ...LOADS[part],
      outstanding,
      warmUpMs: WARM_UP_MS,
      forMs: options.forMs,
      runs: Object.fromEntries(kinds.map((kind) => [kind, []])),
    })),
  );
  for (let round = 0; round < options.rounds; round++) {
    for (const point of points) {
      for (const ensemble of ensembles) {
        point.runs[ensemble.kind].push(await measure(ensemble, point));
      }
    }
    console.log(`round ${round + 1} of ${options.rounds} done, load average ${loadNow()}`);
  }
  printThroughput(points);
  for (const ensemble of ensembles) {
    console.log(`${ensemble.kind}: ${memoryText(ensemble)} resident after the load`);
    await ensemble.stop();
  }
}

const loadNow = () => loadavg()[0].toFixed(1);
const memoryText = (ensemble) =>
  `${ensemble.servers.map((server) => server.residentMb.toFixed(0)).join(', ')} MB`;
const median = (runs, name) =>
  quantile(
    runs.map((run) => run[name]),
    0.5,
  );
const whole = (value) => Math.round(value).toLocaleString('en-US');

function printThroughput(points) {
  const latency = (runs) => `${median(runs, 'p50').toFixed(2)} / ${median(runs, 'p99').toFixed(2)}`;
  const cpu = (runs) =>
    ['leaderCpu', 'followerCpu', 'clientCpu'].map((name) => median(runs, name).toFixed(1));
  console.log(`\nMedians of ${options.rounds} turns of ${options.forMs / 1000} s each.`);
  printTable(
    [
      'what',
      'in flight',
      ...kinds.map((kind) => `${kind} /s`),
      'ratio',
      ...kinds.map((kind) => `${kind} p50 / p99 ms`),
      ...kinds.map((kind) => `${kind} CPU ms for 1,000: leader, follower, client`),
    ],
    points.map(({ title, outstanding, runs }) => {
      const of = kinds.map((kind) => runs[kind]);
      return [
        title,
        outstanding,
        ...of.map((each) => whole(median(each, 'perSecond'))),
        ratio(of.map((each) => median(each, 'perSecond'))),
        ...of.map(latency),
        ...of.map((each) => cpu(each).join(', ')),
      ];
    }),
  );
}

/** Tabkeeper's share of Apache's, where both were measured. */
const ratio = ([tabkeeper, apache]) => (apache > 0 ? (tabkeeper / apache).toFixed(2) : '');

async function restart() {
  const rows = [];
  for (const kind of kinds) {
    const ensemble = newEnsemble(kind, GROWING_HEAP[kind]);
    await ensemble.start();
    const resident = () => ensemble.servers.map((server) => server.residentMb);
    const idle = resident();
    const began = performance.now();
    await load(ensemble.addresses, {
      op: 'create',
      size: 100,
      outstanding: 1000,
      count: ZNODES,
    });
    const createMs = performance.now() - began;
    const full = resident();
    const restarts = [];
    for (let round = 0; round < options.rounds; round++) {
      await ensemble.stop();
      const begunMs = performance.now();
      await ensemble.start();
      restarts.push(performance.now() - begunMs);
    }
    rows.push([
      kind,
      whole((ZNODES / createMs) * 1000),
      spread(idle),
      spread(full),
      spread(full.map((mb, index) => mb - idle[index])),
      spread(resident()),
      spread(restarts),
    ]);
    await ensemble.stop();
  }
  console.log(`\n${whole(ZNODES)} znodes of 100 B, load average ${loadNow()}.`);
  printTable(
    [
      'servers',
      'created /s',
      'MB idle',
      'MB with them',
      'MB growth',
      'MB after restart',
      'ms until all three serve again',
    ],
    rows,
  );
}

async function failOvers() {
  const rows = [];
  for (const kind of kinds) {
    const ensemble = newEnsemble(kind);
    await ensemble.start();
    await load(ensemble.addresses, { ...LOADS.set100, outstanding: 100, warmUpMs: 1000, forMs: 1 });
    await sleep(SETTLE_MS);
    for (const signal of ['SIGKILL', 'SIGTERM']) {
      const outages = [];
      for (let round = 0; round < options.rounds; round++) {
        const { outageMs, killed } = await failOver(ensemble, signal);
        outages.push(outageMs);
        killed.start();
        await killed.serving();
        await sleep(SETTLE_MS);
      }
      rows.push([kind, signal, spread(outages)]);
    }
    await ensemble.stop();
  }
  console.log(`\nThe leader goes away, tickTime 2000, load average ${loadNow()}.`);
  printTable(['servers', 'signal', 'ms without a write'], rows);
}

async function standalone() {
  const rows = [];
  for (const kind of kinds) {
    const took = [];
    for (let round = 0; round < options.rounds; round++) {
      const port = nextPorts();
      const server = new ServerProcess(kind, join(folder, `alone.${port}`), port, null);
      const beganMs = performance.now();
      server.start();
      await server.serving();
      took.push(performance.now() - beganMs);
      await server.stop('SIGKILL');
    }
    rows.push([kind, spread(took)]);
  }
  console.log(`\nA stand-alone server with an empty disk, load average ${loadNow()}.`);
  printTable(['server', 'ms from its start to its first answer'], rows);
}

console.log(`${cpus().length} cores, Node ${process.version}, load average ${loadNow()}.`);
const loads = options.only.filter((part) => part in LOADS);
if (loads.length > 0) await throughput(loads);
if (options.only.includes('restart')) await restart();
if (options.only.includes('failOver')) await failOvers();
if (options.only.includes('standalone')) await standalone();
