import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEnvelope } from '../../../src/room/messages.ts';
import { Sealer } from '../../../src/room/sealing.ts';
import type { ChannelKind } from '../../../src/room/signalling.ts';
import { newId, Signalling } from '../../../src/room/signalling.ts';
import { TestBrowser, TestRoom, testRandom } from './testWorld.ts';

const key = testRandom(1).bytes(16);

describe('a sealed message', () => {
  it('opens with the room and key it was sealed for, and with no other', () => {
    const sealed = new Sealer('a', key, testRandom(2)).seal('hello');
    expect(new Sealer('a', key, testRandom(3)).open(sealed)).toBe('hello');
    expect(new Sealer('b', key, testRandom(3)).open(sealed)).toBeNull();
    expect(new Sealer('a', testRandom(4).bytes(16), testRandom(3)).open(sealed)).toBeNull();
  });

  it('does not open when one bit is changed or anything is missing', () => {
    const sealer = new Sealer('a', key, testRandom(2));
    const sealed = sealer.seal('hello');
    fc.assert(
      fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
        const changed = Uint8Array.from(sealed);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(sealer.open(changed)).toBeNull();
        expect(sealer.open(sealed.subarray(0, bit >> 3))).toBeNull();
      }),
    );
  });

  it('does not tell the relay the name in the link', () => {
    expect(new Sealer('algebra', key, testRandom(2)).relayName).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('signalling', () => {
  function pair() {
    const taken: string[] = [];
    const also: ChannelKind[] = [];
    const sealer = new Sealer('a', key, testRandom(5));
    const receiver = new Signalling(newId(testRandom(6)), sealer, {
      received: (envelope, via) => taken.push(`${envelope.message.type} by ${via}`),
      heardAlso: (_tab, via) => also.push(via),
    });
    const sender = new Signalling(newId(testRandom(7)), sealer, {
      received: () => {},
      heardAlso: () => {},
    });
    const sent: Uint8Array[] = [];
    sender.addChannel({ kind: 'server', send: (sealed) => sent.push(sealed), close: () => {} });
    return { taken, also, receiver, sender, sent };
  }

  it('takes a message once though two channels bring it, and knows both reach the tab', () => {
    const { taken, also, receiver, sender, sent } = pair();
    sender.send(null, { type: 'hello' });
    for (const sealed of sent) {
      receiver.received(sealed, 'broadcast');
      receiver.received(sealed, 'server');
      receiver.received(sealed, 'server');
    }
    expect(taken).toEqual(['hello by broadcast']);
    expect(also).toEqual(['server', 'server']);
  });

  it('leaves what is for another tab alone', () => {
    const { taken, receiver, sender, sent } = pair();
    sender.send('0'.repeat(32), { type: 'goodbye' });
    for (const sealed of sent) receiver.received(sealed, 'server');
    expect(taken).toEqual([]);
  });

  it('does not believe a recording of an earlier tab', async () => {
    const room = new TestRoom(3, 11);
    const gone = room.open(new TestBrowser(3));
    const old = room.open(new TestBrowser(3));
    await room.clock.run(100);
    gone.claim();
    await room.clock.until(() => gone.result !== null);
    await room.clock.run(100);
    gone.close();
    old.close();
    const late = room.open(new TestBrowser(3));
    for (const sealed of gone.sealedSent) late.signalling.received(sealed, 'server');
    await room.clock.run(100);
    expect([...late.roster.members.keys()]).toEqual([]);
  });

  it('refuses every malformed envelope without a throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(decodeEnvelope(text)).toBeNull();
      }),
    );
  });
});
