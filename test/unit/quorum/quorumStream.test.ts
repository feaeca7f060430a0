import { describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/ports/network.ts';
import { QuorumStream } from '../../../src/quorum/quorumStream.ts';
import { SendBatch } from '../../../src/quorum/sendBatch.ts';
import { SimClock, SimTime } from '../../../src/sim/simClock.ts';
import { zxid } from '../../../src/wire/ids.ts';
import { encodeQuorumPacket, PacketType } from '../../../src/wire/quorumPackets.ts';

const PACKET_COUNT = 1_000;
/** What one event may handle. */
const SLICE_COUNT = 128;

const commits = (count: number, after = 0): Uint8Array =>
  Buffer.concat(
    Array.from({ length: count }, (_, index) =>
      encodeQuorumPacket({
        type: PacketType.COMMIT,
        zxid: zxid(BigInt(after + index + 1)),
        data: null,
        authinfo: null,
      }),
    ),
  );

/** A stream whose connection only tells whether it is paused, and all its owner is told. */
class Scene {
  readonly time = new SimTime();
  readonly told: string[] = [];
  /** How many packets each event brought. */
  readonly counts: number[] = [];
  readonly stream: QuorumStream;
  paused = false;
  /** Called with each packet. */
  onPacket: (at: number) => void = () => {};

  constructor() {
    const clock = new SimClock(this.time);
    const probe = { watches: () => false, emit: () => {} };
    const owner = {
      opened: () => {},
      packet: (packet: { readonly zxid: bigint }) => {
        this.told.push(String(packet.zxid));
        this.onPacket(this.told.length);
      },
      raw: () => {},
      drained: () => {},
      closed: (reason: string) => this.told.push(`closed: ${reason}`),
    };
    this.stream = new QuorumStream(owner, clock, probe, new SendBatch(), 'accepted');
    const connection: Connection = {
      id: 1,
      remoteAddress: 'leader',
      bufferedBytes: 0,
      write: () => true,
      pause: () => (this.paused = true),
      resume: () => (this.paused = false),
      close: () => {},
      destroy: () => {},
    };
    this.stream.attach(connection);
  }

  event(task: () => void): void {
    const before = this.told.length;
    task();
    this.counts.push(this.told.length - before);
  }

  /** Everything that is left to happen, one event after the other. */
  rest(): void {
    for (let more = true; more;) this.event(() => (more = this.time.step()));
    this.counts.pop();
  }
}

const inOrder = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => String(at + 1));

describe('a message with many packets', () => {
  test('is handled in slices, in order, and nothing more is taken in meanwhile', () => {
    const scene = new Scene();
    scene.event(() => scene.stream.received(commits(PACKET_COUNT)));
    expect(scene.paused).toBe(true);
    scene.event(() => scene.stream.received(commits(1, PACKET_COUNT)));
    scene.rest();
    expect(scene.told).toEqual(inOrder(PACKET_COUNT + 1));
    expect(Math.max(...scene.counts)).toBe(SLICE_COUNT);
    expect(scene.counts[1]).toBe(0);
    expect(scene.paused).toBe(false);
  });

  test('waits in the middle while its owner is busy, and goes on in order', () => {
    const scene = new Scene();
    scene.onPacket = (at) => {
      if (at === 200) scene.stream.hold();
    };
    scene.stream.received(commits(PACKET_COUNT));
    scene.rest();
    expect(scene.told).toEqual(inOrder(200));
    expect(scene.paused).toBe(true);
    scene.event(() => scene.stream.release());
    scene.rest();
    expect(scene.told).toEqual(inOrder(PACKET_COUNT));
    expect(Math.max(...scene.counts)).toBe(SLICE_COUNT);
    expect(scene.paused).toBe(false);
  });

  test('held and let go between two slices, it is still handled once', () => {
    const scene = new Scene();
    scene.stream.received(commits(PACKET_COUNT));
    scene.stream.hold();
    scene.event(() => scene.stream.release());
    expect(scene.counts).toEqual([0]);
    expect(scene.paused).toBe(true);
    scene.rest();
    expect(scene.told).toEqual(inOrder(PACKET_COUNT));
    expect(scene.paused).toBe(false);
  });

  test('counts to its last packet when the connection breaks behind it', () => {
    const scene = new Scene();
    scene.stream.received(commits(PACKET_COUNT));
    scene.stream.closed({ kind: 'broken', message: 'the link is gone' });
    scene.rest();
    expect(scene.told).toEqual([...inOrder(PACKET_COUNT), 'closed: the link is gone']);
  });

  test('ends with its stream', () => {
    const scene = new Scene();
    scene.stream.received(commits(PACKET_COUNT));
    scene.stream.close('the role is over');
    scene.rest();
    expect(scene.told).toEqual(inOrder(SLICE_COUNT));
  });
});
