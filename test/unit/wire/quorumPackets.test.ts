import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { sid, zxid } from '../../../src/wire/ids.ts';
import { JUTE_MAX_FIELD_BYTES, JuteError, toBytes } from '../../../src/wire/jute.ts';
import * as payloads from '../../../src/wire/learnerPayloads.ts';
import {
  PacketType,
  type QuorumPacket,
  QuorumPacketReader,
  encodeQuorumPacket,
  packetTypeName,
} from '../../../src/wire/quorumPackets.ts';
import { decodeTxn, encodeTxn } from '../../../src/wire/txns.ts';
import { decodeUtf8, encodeUtf8 } from '../../../src/wire/utf8.ts';
import { fromHex, goldenFiles, plain, toHex } from './goldenFiles.ts';
import { spellTxn } from './txnSpelling.ts';

interface CapturedPacket {
  readonly dir: 'F>L' | 'L>F';
  readonly type: number;
  readonly name: string;
  readonly zxid: string;
  readonly authinfo: unknown;
  readonly hex?: string;
  readonly decoded?: Readonly<Record<string, unknown>>;
  readonly snapshot?: { readonly streamHex: string };
}

interface Capture {
  readonly packets?: readonly CapturedPacket[];
  readonly connections?: readonly { readonly packets: readonly CapturedPacket[] }[];
}

function connections(content: unknown): CapturedPacket[][] {
  const { packets, connections: all } = content as Capture;
  const lists = [...(packets ? [packets] : []), ...(all ?? []).map((one) => one.packets)];
  return lists.map((list) => list.filter((packet) => packet.hex !== undefined));
}

/** Decodes a payload; returns how the captures spell it and the bytes it is encoded back to. */
function recodePayload(packet: CapturedPacket, data: Uint8Array): [unknown, Uint8Array] {
  switch (packet.type) {
    case PacketType.FOLLOWERINFO:
    case PacketType.OBSERVERINFO: {
      const info = payloads.decodeLearnerInfo(data);
      return [info, payloads.encodeLearnerInfo(info)];
    }
    case PacketType.LEADERINFO:
    case PacketType.ACKEPOCH: {
      const value = payloads.decodeInt(data);
      const name = packet.type === PacketType.ACKEPOCH ? 'currentEpoch' : 'protocolVersion';
      return [{ [name]: value }, payloads.encodeInt(value)];
    }
    case PacketType.NEWLEADER:
      return [{ config: decodeUtf8(data) }, encodeUtf8(decodeUtf8(data))];
    case PacketType.PROPOSAL:
    case PacketType.INFORM: {
      const entry = decodeTxn(data);
      return [spellTxn(entry), encodeTxn(entry)];
    }
    case PacketType.COMMITANDACTIVATE: {
      const designatedLeader = payloads.decodeDesignatedLeader(data);
      return [{ designatedLeader }, payloads.encodeDesignatedLeader(designatedLeader)];
    }
    case PacketType.INFORMANDACTIVATE: {
      const inform = payloads.decodeActivatedInform(data);
      const txn = spellTxn(decodeTxn(inform.txn));
      return [
        { designatedLeader: inform.designatedLeader, txn },
        payloads.encodeActivatedInform(inform),
      ];
    }
    case PacketType.PING: {
      const sessions = payloads.decodeSessionTouches(data);
      return [{ sessions: sessions.map(spellTouch) }, payloads.encodeSessionTouches(sessions)];
    }
    case PacketType.REVALIDATE:
      return recodeRevalidate(packet, data);
    case PacketType.REQUEST: {
      const { payload, ...request } = payloads.decodeForwardedRequest(data);
      return [request, payloads.encodeForwardedRequest({ ...request, payload })];
    }
    default:
      throw new Error(`${packet.name} has no payload`);
  }
}

const spellTouch = ({ sessionId, timeoutMs }: payloads.SessionTouch): unknown => ({
  sessionId,
  timeout: timeoutMs,
});

function recodeRevalidate(packet: CapturedPacket, data: Uint8Array): [unknown, Uint8Array] {
  if (packet.dir === 'F>L') {
    const touch = payloads.decodeRevalidate(data);
    return [spellTouch(touch), payloads.encodeRevalidate(touch)];
  }
  const answer = payloads.decodeRevalidateAnswer(data);
  return [answer, payloads.encodeRevalidateAnswer(answer)];
}

function readAll(reader: QuorumPacketReader): QuorumPacket[] {
  const packets: QuorumPacket[] = [];
  for (let packet = reader.next(); packet !== null; packet = reader.next()) packets.push(packet);
  return packets;
}

describe('packets of the quorum port, captured from ZooKeeper', () => {
  for (const file of goldenFiles('quorum')) {
    it(`${file.name}: are understood, payloads too, and encoded back to the same bytes`, () => {
      const captured = connections(file.content).flat();
      expect(captured.length).toBeGreaterThan(0);
      for (const expected of captured) {
        const reader = new QuorumPacketReader();
        reader.push(fromHex(expected.hex ?? ''));
        const packet = reader.next();
        if (packet === null) throw new Error(`${expected.name} is not whole`);
        expect(reader.bufferedBytes).toBe(0);
        expect(packetTypeName(packet.type)).toBe(expected.name);
        expect(plain([packet.zxid, packet.authinfo])).toEqual([
          expected.zxid,
          plain(expected.authinfo),
        ]);
        expect(toHex(encodeQuorumPacket(packet))).toBe(expected.hex);
        if (packet.data === null) continue;
        const [spelled, bytes] = recodePayload(expected, packet.data);
        expect(plain(expected.decoded)).toMatchObject(plain(spelled) as object);
        expect(toHex(bytes)).toBe(toHex(packet.data));
      }
    });

    it(`${file.name}: come out of the stream the same however it is cut, snapshots between them`, () => {
      for (const packets of connections(file.content)) {
        for (const direction of ['F>L', 'L>F'] as const) {
          const sent = packets.filter((packet) => packet.dir === direction);
          for (const cut of [1, 7, 1000]) expect(readStream(sent, cut)).toEqual(sent.map(hexOf));
        }
      }
    });
  }
});

test.each(Object.entries(PacketType))('a %s is among them', (name) => {
  const [selection] = goldenFiles('quorum');
  const packets = connections(selection?.content).flat();
  expect(packets.map((packet) => packet.name)).toContain(name);
});

const hexOf = (packet: CapturedPacket): string => packet.hex ?? '';

/** Feeds the packets and the snapshots after them as one stream in chunks of `cut` bytes; returns the packets read. */
function readStream(sent: readonly CapturedPacket[], cut: number): string[] {
  const snapshots = sent.flatMap((packet) => packet.snapshot?.streamHex ?? []);
  const hex = sent.map((packet) => hexOf(packet) + (packet.snapshot?.streamHex ?? '')).join('');
  const stream = fromHex(hex);
  const reader = new QuorumPacketReader();
  const read: string[] = [];
  let raw: string | null = null;
  const drain = (): void => {
    for (;;) {
      if (raw !== null) {
        const bytes = reader.takeRaw();
        if (bytes === null) return;
        raw += toHex(bytes);
        const snapshot = snapshots[0] ?? '';
        if (raw.length < snapshot.length) continue;
        expect(raw.slice(0, snapshot.length)).toBe(snapshots.shift());
        reader.endRaw(fromHex(raw.slice(snapshot.length)));
        raw = null;
      }
      const packet = reader.next();
      if (packet === null) return;
      read.push(toHex(encodeQuorumPacket(packet)));
      if (packet.type === PacketType.SNAP && snapshots.length > 0) {
        reader.beginRaw();
        raw = '';
      }
    }
  };
  for (let at = 0; at < stream.length; at += cut) {
    reader.push(stream.slice(at, at + cut));
    drain();
  }
  expect(reader.offsetBytes).toBe(stream.length);
  return read;
}

const packetArbitrary = fc.record<QuorumPacket>(
  {
    type: fc.integer({ min: 1, max: 19 }),
    zxid: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(zxid),
    data: fc.option(fc.uint8Array({ maxLength: 50 })),
    authinfo: fc.option(
      fc.array(
        fc.record(
          { scheme: fc.string(), id: fc.string({ unit: 'binary' }) },
          { noNullPrototype: true },
        ),
        { maxLength: 3 },
      ),
    ),
  },
  { noNullPrototype: true },
);

describe('QuorumPacketReader', () => {
  it('gives back any packets however their bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(packetArbitrary, { maxLength: 8 }),
        fc.array(fc.nat(40), { minLength: 1 }),
        (packets, cuts) => {
          const stream = fromHex(
            packets.map((packet) => toHex(encodeQuorumPacket(packet))).join(''),
          );
          const reader = new QuorumPacketReader();
          const read: QuorumPacket[] = [];
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const length = 1 + (cuts[turn % cuts.length] ?? 0);
            reader.push(stream.slice(at, at + length));
            at += length;
            read.push(...readAll(reader));
          }
          expect(plain(read)).toEqual(plain(packets));
        },
      ),
    );
  });

  it('throws nothing but JuteError for bytes that are no packets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const reader = new QuorumPacketReader();
        reader.push(bytes);
        try {
          readAll(reader);
        } catch (error) {
          expect(error).toBeInstanceOf(JuteError);
        }
      }),
    );
  });

  it('refuses a packet whose data is longer than any may be before it has come', () => {
    const reader = new QuorumPacketReader();
    reader.push(
      toBytes((writer) => {
        writer.int(PacketType.PROPOSAL);
        writer.long(1n);
        writer.int(JUTE_MAX_FIELD_BYTES + 1);
      }),
    );
    expect(() => reader.next()).toThrow(JuteError);
  });
});

it('a learner of an older protocol says less about itself', () => {
  const sidOnly = toBytes((writer) => writer.long(5n));
  expect(payloads.decodeLearnerInfo(sidOnly)).toEqual({
    serverid: sid(5),
    protocolVersion: 1,
    configVersion: 0n,
  });
});

it('a ping that holds half a session is refused', () => {
  expect(() => payloads.decodeSessionTouches(new Uint8Array(13))).toThrow(JuteError);
});
