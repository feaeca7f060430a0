import type { ProbeEvent } from '../../../src/ports/probe.ts';
import { sessionId, zxid } from '../../../src/wire/ids.ts';

/** What comes with every write. */
export const applied = (counter: number): ProbeEvent => ({
  topic: 'txn',
  type: 'applied',
  zxid: zxid(BigInt(counter)),
  sessionId: sessionId(1n),
  txnType: 1,
  path: '/a',
});
