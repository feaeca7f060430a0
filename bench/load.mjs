/** A closed loop of requests against an ensemble: a new one leaves as soon as a reply has come. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { requests, ZkSession } from './zkSession.mjs';

const ROOT = '/bench';
const READS_OF_MIXED = 0.7;
/** Latencies in steps of 0.01 ms up to 20 ms, of 2 % above. */
const FINE_STEPS = 2000;
const COARSE_STEPS = 600;
const COARSE_STEP = Math.log(1.02);

/** Each load has nodes of its own: one that ends between a create and its delete leaves a node behind. */
let loadCount = 0;

/** How many sessions share the requests in flight. */
const sessionCountOf = (outstanding) => (outstanding === 1 ? 1 : outstanding <= 100 ? 10 : 20);

class Histogram {
  #counts = new Float64Array(FINE_STEPS + COARSE_STEPS);
  count = 0;

  add(ms) {
    const step =
      ms < 20 ? Math.floor(ms * 100) : FINE_STEPS + Math.floor(Math.log(ms / 20) / COARSE_STEP);
    this.#counts[Math.min(step, this.#counts.length - 1)]++;
    this.count++;
  }

  /** Milliseconds below which a part `q` of them lies. */
  quantile(q) {
    let below = 0;
    const step = this.#counts.findIndex((count) => (below += count) >= q * this.count);
    if (step < FINE_STEPS) return (step + 0.5) / 100;
    return 20 * Math.exp(COARSE_STEP * (step - FINE_STEPS + 0.5));
  }
}

/** One session of the load and its own nodes. */
class Loader {
  #session = new ZkSession();
  #options;
  #window;
  #path;
  #sentMs = [];
  #head = 0;
  #remaining;
  #made = 0;
  #next;
  running = false;
  /** Where latencies go while they count. */
  histogram = null;
  answers = 0;
  errors = 0;

  constructor(options, sessionCount, index) {
    this.#options = options;
    this.#window = Math.max(1, Math.floor(options.outstanding / sessionCount));
    this.#remaining = Math.ceil((options.count ?? Infinity) / sessionCount);
    this.#path = `${ROOT}/${loadCount}-${index}`;
  }

  async prepare(address) {
    const { op, size } = this.#options;
    const path = this.#path;
    const data = Buffer.alloc(size, 'tabkeeper ');
    const get = requests.getData(path);
    const set = requests.setData(path, data);
    const node = (number) => `${path}/${number}`;
    this.#next = {
      get: () => get,
      set: () => set,
      mixed: () => (Math.random() < READS_OF_MIXED ? get : set),
      create: () => requests.create(node(this.#made++), data),
      createDelete: () => {
        const number = this.#made++;
        return number % 2 === 0
          ? requests.create(node(number), data)
          : requests.delete(node(number - 1));
      },
    }[op];
    await this.#session.connect(address);
    this.#session.onClosed = () => {
      throw new Error(`${address.host}:${address.port} closed a connection under load`);
    };
    this.#session.onReplies = (replies, errors) => this.#replied(replies, errors);
    await this.#session.create(ROOT);
    await this.#session.create(path, data);
    await this.#session.call(set);
  }

  get outstanding() {
    return this.#sentMs.length - this.#head;
  }

  fill() {
    const count = Math.min(this.#window - this.outstanding, this.#remaining);
    if (count <= 0) return;
    this.#remaining -= count;
    const list = Array.from({ length: count }, this.#next);
    this.#session.send(list);
    const nowMs = performance.now();
    for (let i = 0; i < count; i++) this.#sentMs.push(nowMs);
  }

  #replied(replies, errors) {
    const nowMs = performance.now();
    this.answers += replies;
    this.errors += errors;
    for (let i = 0; i < replies; i++) this.histogram?.add(nowMs - this.#sentMs[this.#head + i]);
    this.#head += replies;
    if (this.#head > 8192) {
      this.#sentMs = this.#sentMs.slice(this.#head);
      this.#head = 0;
    }
    if (this.running) this.fill();
  }

  close() {
    return this.#session.closeSession();
  }
}

/**
 * Loads the servers at `addresses` with `op` (get, set, mixed, create, createDelete) of `size` bytes, `outstanding`
 * requests in flight, for `warmUpMs` and then `forMs`; or until `count` requests are answered. `measuring(began)` is
 * called as the measured time begins and ends.
 */
export async function load(addresses, options, measuring = () => undefined) {
  const sessionCount = sessionCountOf(options.outstanding);
  loadCount++;
  const loaders = Array.from(
    { length: sessionCount },
    (_, index) => new Loader(options, sessionCount, index),
  );
  await Promise.all(
    loaders.map((loader, index) => loader.prepare(addresses[index % addresses.length])),
  );
  const histogram = new Histogram();
  for (const loader of loaders) {
    loader.running = true;
    loader.fill();
  }
  if (options.count === undefined) await sleep(options.warmUpMs);
  for (const loader of loaders) loader.histogram = histogram;
  measuring(true);
  const beganMs = performance.now();
  const cpuBefore = process.cpuUsage();
  if (options.count === undefined) await sleep(options.forMs);
  else while (loaders.some((loader) => loader.outstanding > 0)) await sleep(1);
  const tookMs = performance.now() - beganMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  measuring(false);
  for (const loader of loaders) {
    loader.histogram = null;
    loader.running = false;
  }
  while (loaders.some((loader) => loader.outstanding > 0)) await sleep(1);
  await Promise.all(loaders.map((loader) => loader.close()));
  const errors = loaders.reduce((sum, loader) => sum + loader.errors, 0);
  if (errors > 0) throw new Error(`${options.op}: ${errors} errors`);
  return {
    operations: histogram.count,
    perSecond: (histogram.count / tookMs) * 1000,
    p50: histogram.quantile(0.5),
    p99: histogram.quantile(0.99),
    clientCpuMs: (user + system) / 1000,
  };
}
