/** What a hostile peer may send to each of a server's three ports, as values that come from a seed. */

import fc from 'fast-check';
import {
  encodeNotification,
  encodePreamble,
  frameElectionMessage,
  PREAMBLE_VERSION_ONE_ADDRESS,
} from '../../../src/wire/electionMessages.ts';
import { epoch, sessionId, sid, zxid } from '../../../src/wire/ids.ts';
import { encodeLearnerInfo, LEARNER_PROTOCOL_VERSION } from '../../../src/wire/learnerPayloads.ts';
import { encodeQuorumPacket, PacketType } from '../../../src/wire/quorumPackets.ts';
import { writeConnectRequest } from '../../../src/wire/connectRecords.ts';
import { JuteWriter, toBytes } from '../../../src/wire/jute.ts';

export type PortName = 'client' | 'quorum' | 'election';

export interface Attack {
  readonly port: PortName;
  /** Said first, so that the rest meets a server that listens. */
  readonly opening: Uint8Array;
  readonly bytes: Uint8Array;
  /** All at once, or in so many pieces with a pause between them. */
  readonly pieces: number;
  /** What the attacker does then. */
  readonly then: 'end' | 'reset' | 'stay silent';
}

const NOTHING = new Uint8Array();

/** Some of a server's own words, cut or changed, get further than noise. */
const noise = fc.uint8Array({ maxLength: 400 });
const length = fc.oneof(
  fc.constantFrom(-1, -2, 0, 1, 40, 0x7fff_ffff, -0x8000_0000, 0x10_0000, 0xf_ffff, 0x8_0000),
  fc.integer(),
);
/** A length and less, or more, than it says. */
const claim = fc.tuple(length, noise).map(([claimed, rest]) =>
  toBytes((writer) => {
    writer.int(claimed);
    writer.raw(rest);
  }),
);
/** A megabyte at once. */
const flood = fc
  .tuple(length, fc.constantFrom(0, 1, 0xff, 0x20))
  .map(([claimed, byte]) =>
    Buffer.concat([toBytes((writer) => writer.int(claimed)), Buffer.alloc(1024 * 1024, byte)]),
  );

const small = fc.constantFrom(0, 0, 0, 1, 2, 3, 11, 16, 31, 255);
/** Zeros and small numbers make plausible fields. */
const plausible = fc.array(small, { maxLength: 120 }).map((values) => Uint8Array.from(values));

const junk = fc.oneof(
  { weight: 8, arbitrary: noise },
  { weight: 8, arbitrary: plausible },
  { weight: 8, arbitrary: claim },
  { weight: 1, arbitrary: flood },
);

/** Of something a server understands: all of it, its beginning, or with one byte changed. */
const damaged = (whole: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(whole, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(2))
    .map(([bytes, at, by, how]) => {
      const position = bytes.length === 0 ? 0 : at % bytes.length;
      if (how === 0) return bytes;
      if (how === 1) return bytes.slice(0, position);
      const changed = bytes.slice();
      changed[position] = (changed[position] ?? 0) ^ by;
      return changed;
    });

const framed = (body: (writer: JuteWriter) => void): Uint8Array => {
  const writer = new JuteWriter();
  writer.int(0);
  body(writer);
  writer.patchInt(0, writer.length - 4);
  return writer.toBytes();
};

const greeting = framed((writer) =>
  writeConnectRequest(writer, {
    protocolVersion: 0,
    lastZxidSeen: zxid(0n),
    timeOut: 1_000,
    sessionId: sessionId(0n),
    passwd: new Uint8Array(16),
    readOnly: false,
  }),
);

/** Any op with any body; but what a stranger may rightly do (create nodes without end) is no attack on bytes. */
const request = fc
  .tuple(fc.integer(), fc.constantFrom(3, 4, 5, 8, 9, 12, 14, 22, 100, 101, 105, 106, 77, -1), junk)
  .map(([xid, op, body]) =>
    framed((writer) => {
      writer.int(xid);
      writer.int(op);
      writer.raw(body);
    }),
  );

const anySid = fc.oneof(fc.bigInt({ min: 4n, max: 300n }), fc.constantFrom(-1n, 0n, 2n ** 62n));
const anyLong = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);

const preamble = fc
  .tuple(anySid, fc.string({ maxLength: 60 }))
  .map(([from, address]) =>
    encodePreamble({ sid: sid(from), addresses: [address] }, PREAMBLE_VERSION_ONE_ADDRESS),
  );

const notification = fc
  .record({
    state: fc.constantFrom(
      'LOOKING' as const,
      'FOLLOWING' as const,
      'LEADING' as const,
      'OBSERVING' as const,
    ),
    leader: anySid,
    zxid: anyLong,
    electionEpoch: anyLong,
    peerEpoch: anyLong,
    config: fc.string({ maxLength: 200 }),
  })
  .map((one) =>
    frameElectionMessage(
      encodeNotification({
        ...one,
        version: 2,
        leader: sid(one.leader),
        zxid: zxid(one.zxid),
        peerEpoch: epoch(one.peerEpoch),
      }),
    ),
  );

const learnerInfo = fc
  .tuple(anySid, anyLong, fc.constantFrom(PacketType.FOLLOWERINFO, PacketType.OBSERVERINFO))
  .map(([from, accepted, type]) =>
    encodeQuorumPacket({
      type,
      zxid: zxid(accepted),
      data: encodeLearnerInfo({
        serverid: sid(from),
        protocolVersion: LEARNER_PROTOCOL_VERSION,
        configVersion: 0n,
      }),
      authinfo: null,
    }),
  );

const packet = fc
  .tuple(fc.integer({ min: -1, max: 20 }), anyLong, fc.option(junk))
  .map(([type, zxidValue, data]) =>
    encodeQuorumPacket({ type, zxid: zxid(zxidValue), data, authinfo: null }),
  );

const joined = (parts: fc.Arbitrary<Uint8Array>[]): fc.Arbitrary<Uint8Array> =>
  fc.tuple(...parts).map((all) => Buffer.concat(all));

const words: Readonly<Record<PortName, fc.Arbitrary<readonly [Uint8Array, Uint8Array]>>> = {
  client: fc.oneof(
    fc.tuple(fc.constant(NOTHING), junk),
    fc.tuple(fc.constant(NOTHING), damaged(fc.constant(greeting))),
    fc.tuple(fc.constant(greeting), damaged(joined([request, request]))),
    fc.tuple(fc.constant(greeting), junk),
  ),
  election: fc.oneof(
    fc.tuple(fc.constant(NOTHING), junk),
    fc.tuple(fc.constant(NOTHING), damaged(preamble)),
    fc.tuple(preamble, damaged(joined([notification, notification]))),
    fc.tuple(preamble, junk),
  ),
  quorum: fc.oneof(
    fc.tuple(fc.constant(NOTHING), junk),
    fc.tuple(fc.constant(NOTHING), damaged(learnerInfo)),
    fc.tuple(learnerInfo, damaged(joined([packet, packet]))),
    fc.tuple(learnerInfo, junk),
  ),
};

const manner = fc.record({
  pieces: fc.oneof(
    { weight: 9, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.constantFrom(3, 8) },
  ),
  then: fc.constantFrom('end' as const, 'end' as const, 'reset' as const, 'stay silent' as const),
});

const attackOn = (port: PortName): fc.Arbitrary<Attack> =>
  fc
    .tuple(words[port], manner)
    .map(([[opening, bytes], how]) => ({ port, opening, bytes, ...how }));

/** The same attacks for the same seed. */
export const attacks = (seed: number, count: number): readonly Attack[] =>
  fc.sample(fc.oneof(attackOn('client'), attackOn('quorum'), attackOn('election')), {
    seed,
    numRuns: count,
  });
