import { beforeAll, describe, expect, it } from 'vitest';
import { EnsemblePicture, tally } from '../../../src/narration/ensemblePicture.ts';
import { EventStore, flight, type MessageRow } from '../../../src/narration/eventStore.ts';
import type { ProbeRecord } from '../../../src/ports/probe.ts';
import { epoch, sid, zxid } from '../../../src/wire/ids.ts';
import { wholeStory } from './simulatedStory.ts';

let story: readonly ProbeRecord[] = [];
beforeAll(async () => {
  story = await wholeStory();
});

const messages = (store: EventStore): MessageRow[] =>
  store.rows.filter((row) => row.type === 'message');

function add(store: EventStore, records: readonly ProbeRecord[]): void {
  for (const record of records) store.add({ sid: record.sid, records: [record], missedCount: 0 });
}

/** Each server's events in one batch, as they come to a tab that opens late. */
function addByServer(store: EventStore, records: readonly ProbeRecord[]): void {
  for (const each of [3, 1, 2]) {
    const own = records.filter((record) => Number(record.sid) === each);
    store.add({ sid: sid(each), records: own, missedCount: 0 });
  }
}

const message = (
  type: 'sent' | 'received',
  offsetBytes: number,
  timeMs = offsetBytes,
): ProbeRecord => ({
  sid: sid(type === 'sent' ? 1 : 2),
  timeMs,
  wallTimeMs: 0,
  sequence: 1,
  event: {
    topic: 'packet',
    type,
    connection: 1,
    peer: sid(type === 'sent' ? 2 : 1),
    offsetBytes,
    packetType: 2,
    zxid: zxid(1n),
    data: null,
    dataBytes: 0,
  },
});

describe('a store of events', () => {
  it('joins every message that arrived with its sending', () => {
    const store = new EventStore();
    add(store, story);
    const packets = messages(store).filter(({ kind }) => kind !== 'vote');
    expect(packets.length).toBeGreaterThan(50);
    const joined = packets.filter(({ sent, received }) => sent !== null && received !== null);
    const orphans = packets.filter(({ sent }) => sent === null);
    expect(orphans).toEqual([]);
    expect(joined.length / packets.length).toBeGreaterThan(0.9);
    for (const row of joined) {
      const { sentMs, receivedMs } = flight(row);
      expect(receivedMs).toBeGreaterThanOrEqual(sentMs);
      expect(row.sent?.event).toMatchObject({ peer: BigInt(row.to) });
      expect(Number(row.received?.sid)).toBe(row.to);
    }
  });

  it('shows the same whether events come one by one or one server after the other', () => {
    const [together, apart] = [new EventStore(), new EventStore()];
    add(together, story);
    addByServer(apart, story);
    const told = (store: EventStore) =>
      messages(store)
        .filter(({ kind }) => kind !== 'vote')
        .map(({ kind, key, sent, received }) => [kind, key, sent?.timeMs, received?.timeMs].join())
        .sort();
    expect(told(apart)).toEqual(told(together));
    const times = apart.rows.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('keeps the newest rows, and says how many it forgot', () => {
    const store = new EventStore(100);
    for (let index = 0; index < 1_000; index++) add(store, [message('sent', index)]);
    expect(store.rows.length).toBeLessThanOrEqual(113);
    expect(store.rows.length + store.forgottenCount).toBe(1_000);
    expect(store.rows.at(-1)?.atMs).toBe(999);
    // The other end of a row that is gone is a new, half-known message and not an old one.
    add(store, [message('received', 0, 1_000)]);
    expect(store.rows.at(-1)).toMatchObject({ sent: null });
  });

  it('never lets a message arrive before it was sent, whatever the clocks say', () => {
    const store = new EventStore();
    add(store, [message('sent', 0, 500), message('received', 0, 480)]);
    expect(messages(store).map(flight)).toEqual([{ sentMs: 500, receivedMs: 500 }]);
  });

  it('does not take a vote for one that was sent long before and never arrived', () => {
    const store = new EventStore();
    const vote = (
      type: 'notificationSent' | 'notificationReceived',
      timeMs: number,
    ): ProbeRecord => {
      const record = message(type === 'notificationSent' ? 'sent' : 'received', 0, timeMs);
      const peer = sid(type === 'notificationSent' ? 2 : 1);
      const proposed = { leader: sid(1), zxid: zxid(0n), peerEpoch: epoch(0) };
      const said = { peer, state: 'LOOKING', vote: proposed, round: 1n } as const;
      return { ...record, event: { topic: 'election', type, ...said } };
    };
    add(store, [
      vote('notificationSent', 0),
      vote('notificationSent', 3_000),
      vote('notificationReceived', 3_001),
      vote('notificationReceived', 9_000),
    ]);
    expect(messages(store).map((row) => [row.sent?.timeMs, row.received?.timeMs])).toEqual([
      [0, undefined],
      [3_000, 3_001],
      [undefined, 9_000],
    ]);
  });

  it('counts what was never told, server by server', () => {
    const store = new EventStore();
    store.add({ sid: sid(2), records: [], missedCount: 3 });
    store.add({ sid: sid(2), records: [], missedCount: 4 });
    expect([...store.missed]).toEqual([[2, 7]]);
  });
});

describe('the picture of an ensemble', () => {
  it('shows what the servers themselves say they are', () => {
    const picture = new EnsemblePicture();
    for (const record of story) picture.read(record);
    expect(picture.servers.get(1)).toMatchObject({ serving: true, epoch: 2n, vote: null });
    expect(picture.servers.get(2)).toMatchObject({ serving: true, epoch: 2n });
    expect([1, 2].map((each) => picture.servers.get(each)?.state).sort()).toEqual([
      'FOLLOWING',
      'LEADING',
    ]);
    expect(picture.servers.get(1)?.zxid).toBe(picture.servers.get(2)?.zxid);
  });

  it('counts the votes towards a quorum, and shows the wait for a better one', () => {
    const picture = new EnsemblePicture();
    let waited = 0;
    for (const record of story) {
      picture.read(record);
      const { event } = record;
      if (event.topic !== 'election' || event.type !== 'quorumOfVotes') continue;
      const server = picture.servers.get(Number(record.sid));
      if (server === undefined) throw new Error('nobody there');
      expect(tally(server)).toBeGreaterThanOrEqual(2);
      expect(server.finalizeWait).toEqual({ sinceMs: record.timeMs, waitMs: event.finalizeWaitMs });
      waited++;
    }
    expect(waited).toBeGreaterThanOrEqual(3);
  });
});
