/**
 * What may follow what in a history. Every proposal, a failed write's too, takes the next counter of its epoch and is
 * logged by everybody, so a hole is a lost transaction. A new epoch begins at counter 1: (e,0) is the new leader's
 * NEWLEADER, which nobody logs. How an epoch ended cannot be told from zxids.
 */

import { counterOf, epochOf, type Zxid } from '../wire/ids.ts';

const FIRST_COUNTER = 1n;

/**
 * Whether `next` can be the transaction right after `previous`. `initialCounter` is what `testingonly.initialZxid` lets
 * new leaders begin at: then an epoch may begin one above it, too.
 */
export function follows(previous: Zxid, next: Zxid, initialCounter: bigint | null = null): boolean {
  if (next === previous + 1n) return true;
  if (next <= previous) return false;
  const beganNow = counterOf(previous) === 0n;
  if (epochOf(next) === epochOf(previous) && !beganNow) return false;
  const counter = counterOf(next);
  return counter === FIRST_COUNTER || (initialCounter !== null && counter === initialCounter + 1n);
}
