/**
 * Strangers with bad intentions at the room server's one port, while two tabs of a room talk. What they may reach is that
 * their own connections are closed. The seed is printed; TABKEEPER_FUZZ_SEED sets it.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type RoomServer, startRoomServer } from '../../../src/node/roomServer.ts';
import { DEFAULT_RELAY_LIMITS } from '../../../src/node/signallingRelay.ts';
import { decodeEnvelope, encodeEnvelope } from '../../../src/room/messages.ts';
import { Sealer } from '../../../src/room/sealing.ts';
import { testRandom } from '../room/testWorld.ts';

vi.setConfig({ testTimeout: 120_000 });

const WITHIN = { timeout: 60_000 };
const CASE_COUNT = 200;
const AT_ONCE = 16;
const MAX_MESSAGE_BYTES = 4 * 1024;
const ROOM = `/signal/${'0123456789abcdef'.repeat(2)}`;
const SEED = Number(process.env['TABKEEPER_FUZZ_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));

let folder: string;
let server: RoomServer;

beforeEach(async () => {
  console.log(`room server: TABKEEPER_FUZZ_SEED=${SEED}`);
  folder = mkdtempSync(join(tmpdir(), 'tabkeeper-fuzz-'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html>the app');
  server = await startRoomServer({
    appFolder: folder,
    host: '127.0.0.1',
    port: 0,
    nextIfTaken: false,
    certificate: null,
    relayLimits: { ...DEFAULT_RELAY_LIMITS, maxMessageBytes: MAX_MESSAGE_BYTES },
  });
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** A tab that is well behaved: what it hears, and whether it is still there. */
class Tab {
  readonly socket: WebSocket;
  readonly heard: Buffer[] = [];
  closed = false;

  constructor(path = ROOM) {
    this.socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`);
    this.socket.on('message', (data, isBinary) => {
      if (isBinary && Buffer.isBuffer(data)) this.heard.push(data);
    });
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('error', () => undefined);
  }

  async opened(): Promise<this> {
    await expect.poll(() => this.socket.readyState, WITHIN).toBe(WebSocket.OPEN);
    return this;
  }
}

/** Both hear each other, and a page is still served. */
async function expectUnharmed(one: Tab, two: Tab, word: string): Promise<void> {
  one.socket.send(Buffer.from(word));
  two.socket.send(Buffer.from(word));
  const hears = (tab: Tab): boolean =>
    tab.heard.some((message) => message.subarray(4).toString() === word);
  await expect.poll(() => hears(one) && hears(two), WITHIN).toBe(true);
  expect([one.closed, two.closed]).toEqual([false, false]);
  const page = await fetch(`http://127.0.0.1:${server.port}/`);
  expect(await page.text()).toBe('<!doctype html>the app');
}

const noise = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
const upgrade = (path: string): Buffer =>
  Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );

/** A frame's head says what it likes: reserved bits, unknown kinds, lengths that are not there, no mask. */
const frame = fc
  .record({
    first: fc.integer({ min: 0, max: 255 }),
    masked: fc.boolean(),
    length: fc.constantFrom(0, 1, 5, 125, 126, 127),
    longer: fc.constantFrom(0n, 1n, 70_000n, 2n ** 31n, 2n ** 63n, 2n ** 64n - 1n),
    body: noise,
  })
  .map(({ first, masked, length, longer, body }) => {
    const head = Buffer.from([first, (masked ? 0x80 : 0) | length]);
    const extended = Buffer.alloc(length === 126 ? 2 : length === 127 ? 8 : 0);
    if (length === 126) extended.writeUInt16BE(Number(longer & 0xffffn));
    if (length === 127) extended.writeBigUInt64BE(longer);
    return Buffer.concat([head, extended, body]);
  });

const cut = (whole: Buffer): fc.Arbitrary<Buffer> =>
  fc.nat(whole.length).map((at) => whole.subarray(0, at));

/** Requests that are none, upgrades that are refused or cut, and frames of every sort after one that is not. */
const attack = fc.oneof(
  { weight: 4, arbitrary: noise },
  { weight: 4, arbitrary: cut(upgrade(ROOM)) },
  {
    weight: 4,
    arbitrary: noise.map((rest) => Buffer.concat([Buffer.from('GET / HTTP/1.1\r\n'), rest])),
  },
  {
    weight: 4,
    arbitrary: fc.string({ maxLength: 300 }).map((path) => upgrade(`/signal/${path}`)),
  },
  {
    weight: 8,
    arbitrary: fc
      .array(frame, { maxLength: 4 })
      .map((frames) => Buffer.concat([upgrade(ROOM), ...frames])),
  },
  {
    weight: 1,
    arbitrary: fc.constant(Buffer.concat([upgrade(ROOM), Buffer.alloc(1024 * 1024, 0x82)])),
  },
);

/** Sends it all and goes; the connection may be over before. */
function carryOut(bytes: Buffer, how: 'end' | 'reset'): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: server.port });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
    socket.write(bytes, () => {
      if (how === 'end') socket.end();
      else socket.resetAndDestroy();
    });
  });
}

test('bytes that are no request, no upgrade and no frame harm nobody else', async () => {
  const one = await new Tab().opened();
  const two = await new Tab().opened();
  await expectUnharmed(one, two, 'before');
  const cases = fc.sample(fc.tuple(attack, fc.constantFrom('end', 'reset')), {
    seed: SEED,
    numRuns: CASE_COUNT,
  });
  const left = cases.values();
  const attacker = async (): Promise<void> => {
    for (const [bytes, how] of left) await carryOut(bytes, how === 'end' ? 'end' : 'reset');
  };
  await Promise.all(Array.from({ length: AT_ONCE }, attacker));
  await expectUnharmed(one, two, 'after');
});

test('who is refused and gone before the answer ends nobody but himself', async () => {
  for (let count = 0; count < 20; count++) await carryOut(upgrade('/signal/none'), 'reset');
  const one = await new Tab().opened();
  await expectUnharmed(one, await new Tab().opened(), 'after');
});

test('what no tab would send ends who sent it, and reaches nobody', async () => {
  const one = await new Tab().opened();
  const two = await new Tab().opened();
  for (const message of ['text', Buffer.alloc(MAX_MESSAGE_BYTES + 1)]) {
    const stranger = await new Tab().opened();
    stranger.socket.send(message);
    await expect.poll(() => stranger.closed, WITHIN).toBe(true);
  }
  await expectUnharmed(one, two, 'after');
  expect(one.heard).toHaveLength(1);
});

test('whatever is not sealed with the key is nothing, and what is inside is checked', () => {
  const random = testRandom(SEED);
  const sealer = new Sealer('room', random.bytes(16), random);
  const others = new Sealer('room', random.bytes(16), random);
  const sealed = sealer.seal(JSON.stringify({ type: 'hello' }));
  const damaged = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }),
    fc.constantFrom(64 * 1024, 64 * 1024 + 1, 10 ** 7).map((length) => new Uint8Array(length)),
    fc.nat(sealed.length - 1).map((at) => sealed.slice(0, at)),
    fc.tuple(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ by;
      return changed;
    }),
    fc.string().map((text) => others.seal(text)),
    noise.map((more) => Buffer.concat([sealed, more, Buffer.of(0)])),
  );
  fc.assert(
    fc.property(damaged, (message) => {
      expect(sealer.open(message)).toBeNull();
    }),
    { seed: SEED, numRuns: CASE_COUNT },
  );
  expect(sealer.open(sealed)).not.toBeNull();
});

test('what somebody with the key says is taken as it is meant, or not at all', () => {
  const envelope = encodeEnvelope({
    from: 'a'.repeat(32),
    to: null,
    sequence: 7,
    message: { type: 'refused', sid: 1, boundTo: 'b'.repeat(32) },
  });
  const odd = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.json(),
    fc.nat(envelope.length).map((at) => envelope.slice(0, at)),
    fc
      .tuple(fc.nat(envelope.length - 1), fc.constantFrom('"', '{', '[', '0', '-1', 'null', '\\u'))
      .map(([at, by]) => envelope.slice(0, at) + by + envelope.slice(at + 1)),
    fc.jsonValue().map((message) => JSON.stringify({ ...JSON.parse(envelope), message })),
  );
  fc.assert(
    fc.property(odd, (text) => {
      const read = decodeEnvelope(text);
      if (read !== null) expect(decodeEnvelope(encodeEnvelope(read))).toEqual(read);
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});
