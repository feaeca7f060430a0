import { expect, test } from 'vitest';
import { EventStore } from '../../../src/narration/eventStore.ts';
import { MESSAGE_KINDS } from '../../../src/narration/messages.ts';
import type { ProbeRecord } from '../../../src/ports/probe.ts';
import { filterRows } from '../../../src/ui/sequence/sequenceFilter.ts';
import { epoch, makeZxid, sessionId, sid, type Zxid } from '../../../src/wire/ids.ts';
import { toBytes } from '../../../src/wire/jute.ts';
import { encodeForwardedRequest } from '../../../src/wire/learnerPayloads.ts';
import { writeMultiRequest } from '../../../src/wire/multiRecords.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { PacketType } from '../../../src/wire/quorumPackets.ts';
import { encodeSubTxn, encodeTxn, type Txn } from '../../../src/wire/txns.ts';

const SESSION = sessionId(0x100000abcn);
const zxidOf = (counter: number): Zxid => makeZxid(epoch(1), BigInt(counter));
const remove = (path: string) => ({ type: OpCode.delete, path }) as const;

function proposed(zxid: Zxid, txn: Txn): Uint8Array {
  const header = { clientId: SESSION, cxid: 1, zxid, time: 1_000, type: txn.type };
  return encodeTxn({ header, txn, digest: null });
}

/** A packet from server 1 to server 2, as server 1 tells of it. */
function sent(packetType: number, zxid: Zxid, data: Uint8Array | null, at: number): ProbeRecord {
  return {
    sid: sid(1),
    timeMs: at,
    wallTimeMs: 0,
    sequence: at,
    event: {
      topic: 'packet',
      type: 'sent',
      connection: 1,
      peer: sid(2),
      offsetBytes: at,
      packetType,
      zxid,
      data,
      dataBytes: data?.length ?? 0,
    },
  };
}

function packetsAbout(path: string, records: readonly ProbeRecord[]): readonly number[] {
  const store = new EventStore();
  store.add({ sid: sid(1), records, missedCount: 0 });
  const sids = new Set([1, 2]);
  const filter = { kinds: new Set(MESSAGE_KINDS), marks: false, sids, session: '', path };
  return filterRows(store, filter).flatMap((row) =>
    row.type === 'message' && row.sent?.event.topic === 'packet' ? [row.sent.event.packetType] : [],
  );
}

test('a znode is found in each message about a multi that names it: request, proposal, ack, commit', () => {
  const ops = [remove('/cart/1'), remove('/order/7')];
  const txn: Txn = { type: OpCode.multi, txns: ops.map((each) => encodeSubTxn(each)) };
  const request = encodeForwardedRequest({
    sessionId: SESSION,
    cxid: 1,
    type: OpCode.multi,
    payload: toBytes((writer) => {
      writeMultiRequest(
        writer,
        ops.map((op) => ({ ...op, version: -1 })),
      );
    }),
  });
  const records = [
    sent(PacketType.REQUEST, zxidOf(0), request, 1),
    sent(PacketType.PROPOSAL, zxidOf(1), proposed(zxidOf(1), txn), 2),
    sent(PacketType.ACK, zxidOf(1), null, 3),
    sent(PacketType.COMMIT, zxidOf(1), null, 4),
    sent(PacketType.PROPOSAL, zxidOf(2), proposed(zxidOf(2), remove('/else')), 5),
  ];
  const all = [PacketType.REQUEST, PacketType.PROPOSAL, PacketType.ACK, PacketType.COMMIT];
  expect(packetsAbout('/order/7', records)).toEqual(all);
  expect(packetsAbout('/cart', records)).toEqual(all);
  expect(packetsAbout('/else', records)).toEqual([PacketType.PROPOSAL]);
});

test('the end of a session is found by each ephemeral node that goes with it', () => {
  const txn: Txn = { type: OpCode.closeSession, paths2Delete: ['/members/a', '/members/b'] };
  const records = [
    sent(PacketType.PROPOSAL, zxidOf(1), proposed(zxidOf(1), txn), 1),
    sent(PacketType.COMMIT, zxidOf(1), null, 2),
  ];
  expect(packetsAbout('/members/b', records)).toEqual([PacketType.PROPOSAL, PacketType.COMMIT]);
});

test('a proposal of which only the beginning was told is about no znode', () => {
  const txn: Txn = { type: OpCode.multi, txns: [encodeSubTxn(remove('/cart/1'))] };
  const beginning = proposed(zxidOf(1), txn).subarray(0, 40);
  expect(packetsAbout('/cart', [sent(PacketType.PROPOSAL, zxidOf(1), beginning, 1)])).toEqual([]);
});
