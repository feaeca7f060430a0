import { describe, expect, test } from 'vitest';
import { CommitProcessor } from '../../../src/quorum/commitProcessor.ts';
import { Request } from '../../../src/server/request.ts';
import type { RequestProcessor } from '../../../src/server/requestProcessor.ts';
import { sessionId, zxid } from '../../../src/wire/ids.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';

class Sink implements RequestProcessor {
  readonly passed: Request[] = [];
  processRequest(request: Request): void {
    this.passed.push(request);
  }
  shutdown(): void {}
}

const asked = (session: number, cxid: number, type: number): Request =>
  new Request({ sessionId: sessionId(BigInt(session)), cxid, type, createTimeMs: 0 });

/** What comes back from the leader: a setData, or (with `type`) what a write turned into. */
function committed(
  session: number,
  cxid: number,
  counter: number,
  type: number = OpCode.setData,
): Request {
  const header = {
    clientId: sessionId(BigInt(session)),
    cxid,
    zxid: zxid(BigInt(counter)),
    time: 0,
    type,
  };
  const txn =
    type === OpCode.error
      ? { type: OpCode.error, err: -101 }
      : type === OpCode.closeSession
        ? { type: OpCode.closeSession, paths2Delete: null }
        : { type: OpCode.setData, path: '/a', data: null, version: 1 };
  return Request.ofTxn({ header, txn, digest: null }, new Uint8Array(1), 0);
}

function started(matchSyncs = true): {
  commit: CommitProcessor;
  sink: Sink;
  order: () => string[];
} {
  const sink = new Sink();
  const order = (): string[] => sink.passed.map((it) => `${it.sessionId}:${it.cxid}`);
  return { commit: new CommitProcessor(sink, matchSyncs), sink, order };
}

describe('a session', () => {
  test('waits with everything behind its own write until that is committed', () => {
    const { commit, order } = started();
    commit.processRequest(asked(1, 1, OpCode.getData));
    commit.processRequest(asked(1, 2, OpCode.setData));
    commit.processRequest(asked(1, 3, OpCode.getData));
    commit.processRequest(asked(1, 4, OpCode.setData));
    commit.processRequest(asked(1, 5, OpCode.getData));
    expect(order()).toEqual(['1:1']);
    commit.commit(committed(1, 2, 10));
    expect(order()).toEqual(['1:1', '1:2', '1:3']);
    commit.commit(committed(1, 4, 11));
    expect(order()).toEqual(['1:1', '1:2', '1:3', '1:4', '1:5']);
    expect(commit.pendingCount).toBe(0);
  });

  test('that a leader lets expire before it is open does not end with the commit of its beginning', () => {
    const { commit, sink } = started(false);
    const closing = committed(1, 0, 11, OpCode.closeSession);
    commit.processRequest(closing);
    const opening = committed(1, 0, 10);
    commit.commit(opening);
    expect(sink.passed).toEqual([opening]);
    expect(closing.zxid).toBe(11n);
    commit.commit(closing);
    expect(sink.passed).toEqual([opening, closing]);
    expect(commit.pendingCount).toBe(0);
  });

  test("does not hold up another one's reads", () => {
    const { commit, order } = started();
    commit.processRequest(asked(1, 1, OpCode.create));
    commit.processRequest(asked(2, 1, OpCode.getData));
    expect(order()).toEqual(['2:1']);
  });

  test('gets its own request back with the transaction, a failed one as well', () => {
    const { commit, sink } = started();
    const request = asked(1, 1, OpCode.delete);
    commit.processRequest(request);
    commit.commit(committed(1, 1, 10, OpCode.error));
    expect(sink.passed).toEqual([request]);
    expect(request.zxid).toBe(10n);
    expect(request.txn).toEqual({ type: OpCode.error, err: -101 });
  });

  test("is not answered by another server's write of the same number", () => {
    const { commit, order } = started();
    commit.processRequest(asked(1, 5, OpCode.setData));
    commit.commit(committed(2, 5, 10));
    commit.commit(committed(1, 4, 11));
    expect(order()).toEqual(['2:5', '1:4']);
    expect(commit.pendingCount).toBe(1);
  });

  test('that was ended by the leader leaves nothing waiting', () => {
    const { commit } = started();
    commit.processRequest(asked(1, 5, OpCode.setData));
    commit.processRequest(asked(1, 6, OpCode.getData));
    commit.commit(committed(1, 0, 10, OpCode.closeSession));
    expect(commit.pendingCount).toBe(0);
  });
});

test('on a learner a sync waits for the answer to that very request', () => {
  const { commit, order } = started(true);
  const sync = asked(1, 1, OpCode.sync);
  commit.processRequest(sync);
  commit.processRequest(asked(1, 2, OpCode.getData));
  commit.commit(committed(1, 1, 10));
  expect(order()).toEqual(['1:1']);
  expect(commit.pendingCount).toBe(2);
  commit.commit(sync);
  expect(order()).toEqual(['1:1', '1:1', '1:2']);
});

test('on a leader a sync waits for nothing', () => {
  const { commit, order } = started(false);
  commit.processRequest(asked(1, 1, OpCode.sync));
  expect(order()).toEqual(['1:1']);
});

test('after shutdown nothing passes', () => {
  const { commit, order } = started();
  commit.processRequest(asked(1, 1, OpCode.setData));
  commit.shutdown();
  commit.commit(committed(1, 1, 10));
  commit.processRequest(asked(2, 1, OpCode.getData));
  expect(order()).toEqual([]);
});
