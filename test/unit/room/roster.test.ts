/** What a roster passes on of a member, and when. */

import { describe, expect, it } from 'vitest';
import { SimClock, SimTime } from '../../../src/sim/simClock.ts';
import { emptyRoomRecord, type RoomRecord } from '../../../src/room/bindings.ts';
import type { LinkSignal, RoomMessage, Seat } from '../../../src/room/messages.ts';
import type { RoomMemory } from '../../../src/room/memory.ts';
import { Roster } from '../../../src/room/roster.ts';

const OTHER = 'b'.repeat(32);
const SEAT: Seat = { kind: 'holding', sid: 2, diskId: 'd'.repeat(32), generation: 1 };
const signal = (data: string): LinkSignal => ({ kind: 'webrtc', link: 'c'.repeat(32), data });

/** A roster whose memory is written when the test says so. */
function roster() {
  const passedOn: string[] = [];
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
  const made = new Roster('a'.repeat(32), 3, () => {}, memory, new SimClock(new SimTime()), {
    changed: ({ admitted }) => passedOn.push(admitted ? 'admitted' : 'seen'),
    gone: () => {},
    link: (_member, { kind, ...rest }) =>
      passedOn.push('data' in rest ? `${kind} ${rest.data}` : kind),
    refused: () => {},
    problem: () => {},
  });
  const hear = (message: RoomMessage) =>
    made.received({ from: OTHER, to: null, sequence: 1, message }, 'broadcast');
  const admit = async (): Promise<void> => {
    for (const write of writes.splice(0)) write();
    await Promise.resolve();
  };
  const state = (seat: Seat) =>
    hear({ type: 'state', state: { servers: 3, seat, report: null }, answer: false });
  return { passedOn, hear, admit, state };
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
