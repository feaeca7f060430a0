/** What a roster passes on of a member, and when. */

import { describe, expect, it } from 'vitest';
import { SimClock, SimTime } from '../../../src/sim/simClock.ts';
import { emptyRoomRecord, type RoomRecord } from '../../../src/room/bindings.ts';
import type { LinkSignal, RoomMessage, Seat } from '../../../src/room/messages.ts';
import type { RoomMemory } from '../../../src/room/memory.ts';
import { Roster } from '../../../src/room/roster.ts';
import { TestBrowser, TestRoom } from './testWorld.ts';

const OTHER = 'b'.repeat(32);
const CLAIMING: Seat = { kind: 'claiming', sid: 2, diskId: 'd'.repeat(32) };
const SEAT: Seat = { kind: 'holding', sid: 2, diskId: 'd'.repeat(32), generation: 1 };
const signal = (data: string): LinkSignal => ({ kind: 'webrtc', link: 'c'.repeat(32), data });

/** A roster whose memory is written when the test says so. */
function roster() {
  const passedOn: string[] = [];
  const sent: RoomMessage[] = [];
  const writes: (() => void)[] = [];
  let record: RoomRecord = emptyRoomRecord(3);
  const memory: RoomMemory = {
    get record() {
      return record;
    },
    update: (change) =>
      new Promise((resolve) => {
        writes.push(() => {
          record = change(record);
          resolve(record);
        });
      }),
  };
  const made = new Roster(
    'a'.repeat(32),
    3,
    (_to, message) => sent.push(message),
    memory,
    new SimClock(new SimTime()),
    {
      changed: ({ admitted }) => passedOn.push(admitted ? 'admitted' : 'seen'),
      gone: () => {},
      link: (_member, { kind, ...rest }) =>
        passedOn.push('data' in rest ? `${kind} ${rest.data}` : kind),
      refused: () => {},
      problem: () => {},
    },
  );
  let last = 0;
  const hear = (message: RoomMessage, sequence = ++last) =>
    made.received({ from: OTHER, to: null, sequence, message }, 'broadcast');
  const admit = async (): Promise<void> => {
    for (const write of writes.splice(0)) write();
    await Promise.resolve();
  };
  const state = (seat: Seat, sequence?: number) =>
    hear({ type: 'state', state: { servers: 3, seat, report: null }, answer: false }, sequence);
  return { roster: made, passedOn, sent, hear, admit, state };
}

describe('signals for the link to a member', () => {
  it('that come while it is being admitted are passed on when it is', async () => {
    const { passedOn, hear, admit, state } = roster();
    state(SEAT);
    for (const data of ['offer', 'candidate']) hear({ type: 'link', signal: signal(data) });
    expect(passedOn).toEqual(['seen']);
    await admit();
    expect(passedOn).toEqual(['seen', 'admitted', 'webrtc offer', 'webrtc candidate']);
    hear({ type: 'link', signal: signal('late') });
    expect(passedOn.at(-1)).toBe('webrtc late');
  });

  it('are forgotten when it has become another server meanwhile', async () => {
    const { passedOn, hear, admit, state } = roster();
    state(SEAT);
    hear({ type: 'link', signal: signal('offer') });
    state({ ...SEAT, sid: 3 });
    await admit();
    expect(passedOn).not.toContain('webrtc offer');
  });

  it('are kept to a number that no honest tab sends', async () => {
    const { passedOn, hear, admit, state } = roster();
    state(SEAT);
    for (let count = 0; count < 1_000; count++) hear({ type: 'link', signal: signal('x') });
    await admit();
    expect(passedOn.filter((one) => one === 'webrtc x')).toHaveLength(64);
  });
});

describe('what a member says of itself', () => {
  it('is not taken back by what it said before, whichever channel was the slower', async () => {
    const { roster: made, hear, admit, state } = roster();
    state(SEAT, 9);
    await admit();
    state(CLAIMING, 7);
    const { sid, diskId } = CLAIMING;
    const claim = { number: 1, sid, diskId, fresh: true, takeover: false, locked: true };
    hear({ type: 'claim', claim }, 8);
    expect(made.holderOf(2)?.tab).toBe(OTHER);
  });

  it('is answered when it is new here: what it heard of us may be from before', () => {
    const { sent, state } = roster();
    state(SEAT);
    state(SEAT);
    expect(sent).toEqual([expect.objectContaining({ type: 'state', answer: false })]);
  });

  it('is asked for again when it wants a link and holds no seat that we know of', () => {
    const { sent, hear, state } = roster();
    state(CLAIMING);
    sent.splice(0);
    hear({ type: 'link', signal: { kind: 'ask' } });
    expect(sent).toEqual([expect.objectContaining({ type: 'state', answer: true })]);
  });
});

describe('a tab that says hello while another is taking its seat', () => {
  it('learns that the other holds it, however slow its own answer is', async () => {
    const room = new TestRoom(3, 1);
    const browser = new TestBrowser(3);
    const [first, second] = [room.open(browser), room.open(new TestBrowser(3))];
    first.roster.setSeat({ kind: 'claiming', sid: 1, diskId: 'd'.repeat(32) }, true);
    // The hello is answered, and the answer not yet read, when the seat is taken.
    await room.clock.until(() => first.sealedSent.length > 1);
    first.roster.setSeat({ ...SEAT, sid: 1 }, true);
    await room.clock.run(1_000);
    expect(second.roster.holderOf(1)).not.toBeNull();
  });
});
