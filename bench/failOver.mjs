/** How long nobody can write when a leader goes away, as one client sees it that tries again every few milliseconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { requests, ZkSession } from './zkSession.mjs';

const PATH = '/failOver';
const RETRY_MS = 5;
const ATTEMPT_MS = 1000;
/** So long without a gap, and it is over. */
const CALM_MS = 1000;
const LIMIT_MS = 30_000;

const within = (promise) =>
  Promise.race([
    promise,
    sleep(ATTEMPT_MS, undefined, { ref: false }).then(() => {
      throw new Error('no answer');
    }),
  ]);

/**
 * Sends `signal` to the leader and writes, one at a time, with the same session through one survivor after the other.
 * Resolves to the longest gap between two successful writes and the server that is gone; rejects when the session is
 * lost.
 */
export async function failOver(ensemble, signal) {
  const leader = await ensemble.leader();
  const survivors = ensemble.servers.filter((server) => server !== leader);
  const session = new ZkSession();
  await session.connect(survivors[0].address);
  await session.create(PATH);
  const write = requests.setData(PATH, Buffer.from('failover'));
  for (let i = 0; i < 20; i++) await session.call(write);
  leader.signal(signal);
  const beganMs = performance.now();
  let lastMs = beganMs;
  let outageMs = 0;
  let outageEndMs = Infinity;
  let connected = true;
  let attempt = 0;
  while (lastMs - outageEndMs < CALM_MS) {
    if (performance.now() - beganMs > LIMIT_MS) throw new Error('no write succeeds any more');
    try {
      if (!connected) {
        await sleep(RETRY_MS);
        attempt++;
        await within(session.connect(survivors[attempt % survivors.length].address));
        connected = true;
      }
      if ((await within(session.call(write))) !== 0) continue;
      const nowMs = performance.now();
      if (nowMs - lastMs > outageMs) {
        outageMs = nowMs - lastMs;
        outageEndMs = nowMs;
      }
      lastMs = nowMs;
    } catch (error) {
      if (session.isRefused) throw error;
      session.destroy();
      connected = false;
    }
  }
  await session.closeSession();
  await leader.stop('SIGKILL');
  return { outageMs, killed: leader };
}
