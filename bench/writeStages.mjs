/** Where the time of one write goes, told by the probes of the two servers it passes and by the clock of its page. */
import { traceWrites, watchTxns, txnTimes } from './inPage.mjs';

/** Few enough for the events that a page keeps. */
const TRACED_COUNT = 150;

/** The stages of writes one at a time from `writer`'s tab, a follower's; each a list of ms. */
export async function writeStages(writer, leader) {
  for (const page of [writer, leader]) await page.evaluate(watchTxns, true);
  const writes = await writer.evaluate(traceWrites, TRACED_COUNT);
  const [here, there] = await Promise.all([writer, leader].map((page) => page.evaluate(txnTimes)));
  for (const page of [writer, leader]) await page.evaluate(watchTxns, false);
  const stages = { toLeader: [], toCommit: [], toApplied: [], toClient: [], flush: [] };
  for (const { began, ended, zxid } of writes) {
    const proposed = there[`proposed ${zxid}`];
    const committed = there[`committed ${zxid}`];
    const applied = here[`applied ${zxid}`];
    if (proposed === undefined || committed === undefined || applied === undefined) continue;
    stages.toLeader.push(proposed.atMs - began);
    stages.toCommit.push(committed.atMs - proposed.atMs);
    stages.toApplied.push(applied.atMs - committed.atMs);
    stages.toClient.push(ended - applied.atMs);
    stages.flush.push(here[`flushed ${zxid}`]?.tookMs ?? 0);
  }
  return stages;
}
