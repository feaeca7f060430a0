import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { zxid as asZxid } from '../../../src/wire/ids.ts';
import {
  PacketType,
  QuorumPacketReader,
  type QuorumPacket,
} from '../../../src/wire/quorumPackets.ts';
import { RoleBench } from './roleBench.ts';

/** Conversations captured from Apache ZooKeeper 3.8.0; not part of a clone. */
const DIRECTORY = new URL('../../../../shared/golden/quorum/', import.meta.url);
const present = existsSync(DIRECTORY);
if (!present) console.warn('skipped: the captured conversations of ZooKeeper are not here');

interface Captured {
  readonly connections: readonly {
    readonly learnerSid: number;
    readonly leaderSid: number;
    readonly packets: readonly { readonly dir: 'F>L' | 'L>F'; readonly hex: string }[];
  }[];
}

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function load(name: string): Captured {
  return JSON.parse(readFileSync(new URL(name, DIRECTORY), 'utf8')) as Captured;
}

function parse(hex: string): QuorumPacket {
  const reader = new QuorumPacketReader();
  reader.push(bytesOf(hex));
  const packet = reader.next();
  if (packet === null) throw new Error('the captured packet is incomplete');
  return packet;
}

describe.skipIf(!present)('in place of a ZooKeeper 3.8.0 follower', () => {
  test.each([0, 1])(
    'our follower answers its leader byte for byte (cold-start-3, connection %i)',
    (index) => {
      const connection = load('cold-start-3.json').connections[index];
      if (connection === undefined) throw new Error('no such connection');
      const { learnerSid, leaderSid, packets } = connection;
      const bench = new RoleBench({
        sid: learnerSid,
        config: { tickTimeMs: 500, initLimit: 20, syncLimit: 10 },
      });
      bench.boot();
      const leader = bench.scripted(leaderSid).listen();
      bench.follow(leaderSid);
      const expected: string[] = [];
      for (const { dir, hex } of packets) {
        const { type } = parse(hex);
        if (dir === 'L>F') {
          leader.sendBytes(bytesOf(hex));
        } else {
          expected.push(hex);
          // Where a pong stands between the pings is a matter of microseconds.
          if (type !== PacketType.PING) leader.expect(type);
        }
      }
      bench.until(() => bench.sentHex.length >= expected.length, 'everything is answered');
      expect(expected.length).toBeGreaterThan(5);
      expect(bench.sentHex.slice(0, expected.length)).toEqual(expected);
    },
  );
});

describe.skipIf(!present)('in place of a ZooKeeper 3.8.0 leader', () => {
  test('our leader tells its follower the same (cold-start-3)', () => {
    const connection = load('cold-start-3.json').connections[0];
    if (connection === undefined) throw new Error('no such connection');
    const { learnerSid, leaderSid, packets } = connection;
    const bench = new RoleBench({
      sid: leaderSid,
      host: '127.0.0.1',
      serverLines: [1, 2, 3].map(
        (sid) =>
          `server.${sid}=127.0.0.1:${26100 + sid}:${26200 + sid}:participant;127.0.0.1:${26000 + sid}`,
      ),
    });
    bench.boot().lead();
    const follower = bench.scripted(learnerSid).dialAddress(`127.0.0.1:${26100 + leaderSid}`);
    let toldCount = 0;
    for (const { dir, hex } of packets) {
      const packet = parse(hex);
      if (packet.type === PacketType.PING) break;
      if (dir === 'F>L') {
        follower.sendBytes(bytesOf(hex));
        continue;
      }
      const told = follower.expect(packet.type);
      expect({ zxid: told.zxid, data: told.data && hexOf(told.data) }).toEqual({
        zxid: packet.zxid,
        data: packet.data && hexOf(packet.data),
      });
      toldCount += 1;
    }
    expect(toldCount).toBe(4);
    expect(follower.expect(PacketType.PING).zxid).toBe(asZxid(0x1_0000_0000n));
  });
});
