/**
 * Strangers with bad intentions at all three ports of every server, while a client goes on writing. What they may reach
 * is that their own connections are closed. The seed is printed; TABKEEPER_HOSTILE_SEED sets it.
 */

import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { newClient, withClient } from '../frame/client.ts';
import { mixedEnsemble, type MixedEnsemble } from '../frame/ensemble.ts';
import { until } from '../frame/patience.ts';
import { HOST, type ServerProcess } from '../frame/serverProcess.ts';
import { attacks, type Attack } from './attacks.ts';

const CASE_COUNT = 10_000;
const CASES_AT_ONCE = 64;
/** Silent ones wait this long before they go, so that many are there at the same time. */
const SILENCE_MS = 60;
const PAUSE_BETWEEN_PIECES_MS = 5;
/** Connections that say nothing and stay. */
const IDLE_COUNT = 3_000;
/** What a server may grow by meanwhile; it starts with about 70 MB, and one megabyte is flooded some 300 times at each. */
const MAX_GROWTH_MB = 160;

const TABKEEPERS = { 1: 'tabkeeper', 2: 'tabkeeper', 3: 'tabkeeper' } as const;

test('hostile bytes on every port harm nobody else', { timeout: 240_000 }, async () => {
  const seed = Number(process.env['TABKEEPER_HOSTILE_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
  console.log(`hostile bytes: TABKEEPER_HOSTILE_SEED=${seed}`);
  const ensemble = await mixedEnsemble(TABKEEPERS, { config: ['maxClientCnxns=0'] });
  const leader = await ensemble.waitForServing();
  const writer = new WellBehaved(ensemble);
  await writer.wrote(50);
  const before = ensemble.servers.map(residentMegabytes);

  expect(await attackAll(attacks(seed, CASE_COUNT), ensemble, leader)).toBe(CASE_COUNT);

  await expectUnharmed(ensemble, leader, writer);
  const growth = ensemble.servers.map((server, i) => residentMegabytes(server) - (before[i] ?? 0));
  console.log(`resident memory: ${before.join(', ')} MB before, grown by ${growth.join(', ')} MB`);
  for (const megabytes of growth) expect(megabytes).toBeLessThan(MAX_GROWTH_MB);
});

test('thousands of silent connections harm nobody else', { timeout: 120_000 }, async () => {
  const ensemble = await mixedEnsemble(TABKEEPERS, { config: ['maxClientCnxns=0'] });
  const leader = await ensemble.waitForServing();
  const writer = new WellBehaved(ensemble);
  await writer.wrote(50);
  const before = residentMegabytes(leader);
  const idle: Socket[] = [];
  let cameUpCount = 0;
  onTestFinished(() => {
    for (const socket of idle) socket.destroy();
  });
  const ports = [portOf(leader, 'client'), portOf(leader, 'quorum'), portOf(leader, 'election')];
  for (let i = 0; i < IDLE_COUNT; i++) {
    const socket = connect({ host: HOST, port: ports[i % ports.length] ?? 0 });
    socket.on('error', () => undefined);
    socket.once('connect', () => {
      cameUpCount += 1;
    });
    // The first bytes of something, and then nothing.
    if (i % 2 === 0) socket.write(new Uint8Array([0, 0]));
    idle.push(socket);
  }
  await until('all are up, if only for a moment', () => cameUpCount === IDLE_COUNT);
  await expectUnharmed(ensemble, leader, writer);
  expect(residentMegabytes(leader) - before).toBeLessThan(MAX_GROWTH_MB);
});

/** A client that writes without pause and for which nothing may ever go wrong. */
class WellBehaved {
  #count = 0;
  #failure: unknown = null;
  #stopping = false;

  constructor(ensemble: MixedEnsemble) {
    const client = newClient(ensemble.addresses());
    onTestFinished(() => {
      this.#stopping = true;
    });
    const write = async (): Promise<void> => {
      await client.connected();
      await client.create('/well-behaved');
      while (!this.#stopping) {
        await client.setData('/well-behaved', String(this.#count));
        this.#count += 1;
      }
    };
    write().catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Resolves when so many more writes are acknowledged; rejects if one ever failed. */
  async wrote(count: number): Promise<void> {
    const goal = this.#count + count;
    await until(`${count} more writes`, () => {
      if (this.#failure !== null) throw new Error(`a write failed: ${String(this.#failure)}`);
      return this.#count >= goal;
    });
  }
}

async function expectUnharmed(
  ensemble: MixedEnsemble,
  leader: ServerProcess,
  writer: WellBehaved,
): Promise<void> {
  await writer.wrote(50);
  expect(ensemble.running.length).toBe(ensemble.servers.length);
  expect(await ensemble.leader()).toBe(leader);
  await ensemble.waitForServing();
  for (const address of ensemble.addresses()) {
    await withClient([address], (client) => client.getData('/well-behaved'));
  }
}

/** Resolves with how many of the attackers' connections came up. */
async function attackAll(
  cases: readonly Attack[],
  ensemble: MixedEnsemble,
  leader: ServerProcess,
): Promise<number> {
  let count = 0;
  const left = cases.values();
  const { servers } = ensemble;
  const attacker = async (index: number): Promise<void> => {
    for (const attack of left) {
      // Only a leader listens on the quorum port.
      const target = attack.port === 'quorum' ? leader : servers[index % servers.length];
      if (target !== undefined && (await carryOut(attack, portOf(target, attack.port)))) count += 1;
    }
  };
  await Promise.all(Array.from({ length: CASES_AT_ONCE }, (_, index) => attacker(index)));
  return count;
}

/** Resolves when the connection is over, or the attacker has had enough; false if it never came up. */
async function carryOut({ opening, bytes, pieces, then }: Attack, port: number): Promise<boolean> {
  const socket = connect({ host: HOST, port });
  const closed = new Promise<false>((resolve) => socket.once('close', () => resolve(false)));
  const connected = new Promise<true>((resolve) => socket.once('connect', () => resolve(true)));
  socket.on('error', () => undefined);
  if (!(await Promise.race([connected, closed]))) return false;
  socket.resume();
  socket.write(opening);
  const step = Math.ceil(bytes.length / pieces);
  for (let at = 0; at < bytes.length; at += step) {
    if (at > 0) await pause(PAUSE_BETWEEN_PIECES_MS);
    socket.write(bytes.subarray(at, at + step));
  }
  if (then === 'end') socket.end();
  await Promise.race([closed, pause(SILENCE_MS)]);
  if (then === 'reset') socket.resetAndDestroy();
  else socket.destroy();
  return true;
}

function portOf(server: ServerProcess, port: Attack['port']): number {
  const line = server.seat.configLines.find((one) => one.startsWith(`server.${server.sid}=`));
  const [, quorum, election] = /^[^:]+:(\d+):(\d+):/.exec(line ?? '') ?? [];
  return port === 'client' ? server.seat.clientPort : Number(port === 'quorum' ? quorum : election);
}

/** What of a process is in memory, as Linux tells it. */
function residentMegabytes({ pid }: ServerProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
}
