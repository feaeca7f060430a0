import { describe, expect, it } from 'vitest';
import { EventSharing } from '../../../src/browser/eventSharing.ts';
import type { ProbeEvent, ProbeRecord, ProbeTopic } from '../../../src/ports/probe.ts';
import type { EventBatch } from '../../../src/room/admin.ts';
import { sid } from '../../../src/wire/ids.ts';
import { applied } from './appliedEvent.ts';

/** Pages that tell each other, over links that a test may fill or cut. */
class Pages {
  readonly pages: Page[] = [];
  nowMs = 0;

  add(number: number): Page {
    const page = new Page(this, number);
    this.pages.push(page);
    return page;
  }

  deliver(from: Page, to: string, text: string): boolean {
    const page = this.pages.find(({ tab }) => tab === to);
    if (page === undefined || page.full.has(from.tab)) return false;
    page.sharing.received(from.tab, from.sid, text);
    return true;
  }
}

class Page {
  readonly tab: string;
  readonly sharing: EventSharing;
  readonly full = new Set<string>();
  readonly closed: string[] = [];
  readonly heard: EventBatch[] = [];
  watched: readonly ProbeTopic[] = [];
  /** Of what comes with every write, asked of the server. */
  perSecondCount = 0;
  readonly sid: number;
  #sequence = 0;

  constructor(pages: Pages, sid: number) {
    this.sid = sid;
    this.tab = `tab ${sid}`;
    this.sharing = new EventSharing({
      sid,
      now: () => pages.nowMs,
      linked: () =>
        new Map(pages.pages.filter((page) => page !== this).map((page) => [page.tab, page.sid])),
      send: (to, text) => pages.deliver(this, to, text),
      close: (from) => this.closed.push(from),
      watch: (topics, perSecondCount) => {
        this.watched = topics;
        this.perSecondCount = perSecondCount;
      },
    });
    this.sharing.listen((batch) => this.heard.push(batch));
  }

  happens(...events: readonly ProbeEvent[]): void {
    this.sharing.own(
      events.map((event) => this.record(event)),
      0,
    );
  }

  record(event: ProbeEvent): ProbeRecord {
    return { sid: sid(this.sid), timeMs: 1, wallTimeMs: 1, sequence: ++this.#sequence, event };
  }

  warningsOf(other: Page): string[] {
    return this.heard
      .filter((batch) => Number(batch.sid) === other.sid)
      .flatMap(({ records }) => records)
      .flatMap(({ event }) =>
        event.topic === 'peer' && event.type === 'warning' ? [event.message] : [],
      );
  }

  missedOf(other: Page): number {
    return this.heard
      .filter((batch) => Number(batch.sid) === other.sid)
      .reduce((sum, batch) => sum + batch.missedCount, 0);
  }
}

const warning = (message: string): ProbeEvent => ({ topic: 'peer', type: 'warning', message });
function two(): { pages: Pages; first: Page; second: Page } {
  const pages = new Pages();
  const first = pages.add(1);
  const second = pages.add(2);
  return { pages, first, second };
}

describe('tabs that tell each other what happens', () => {
  it('hear of everything that comes seldom, and of what came before they listened', () => {
    const pages = new Pages();
    const first = pages.add(1);
    first.happens(warning('early'));
    const second = pages.add(2);
    first.sharing.linkUp(second.tab, second.sid);
    first.happens(warning('late'));
    expect(second.warningsOf(first)).toEqual(['early', 'late']);
    expect(first.warningsOf(first)).toEqual(['early', 'late']);
  });

  it('hear each event once, however often their link comes up', () => {
    const { first, second } = two();
    first.happens(warning('one'));
    second.sharing.linkUp(first.tab, first.sid);
    first.sharing.linkUp(second.tab, second.sid);
    first.happens(warning('two'));
    expect(second.warningsOf(first)).toEqual(['one', 'two']);
  });

  it('ask a server for what comes with every write only while somebody looks', () => {
    const { first, second } = two();
    first.happens(applied(1));
    second.sharing.watch(['txn'], 2_000);
    expect(first.watched).toEqual(['txn']);
    first.happens(applied(2));
    const txns = second.heard
      .flatMap(({ records }) => records)
      .filter(({ event }) => event.topic === 'txn');
    expect(txns.map(({ event }) => event)).toEqual([applied(2)]);
    second.sharing.watch([], 2_000);
    expect(first.watched).toEqual([]);
  });

  it('ask a server for no more of it than the one that can take most', () => {
    const { first, second, pages } = two();
    const third = pages.add(3);
    expect(first.perSecondCount).toBe(0);
    second.sharing.watch(['txn'], 400);
    first.sharing.watch(['txn'], 200);
    expect(first.perSecondCount).toBe(400);
    third.sharing.watch(['txn'], 1_000_000);
    expect(first.perSecondCount).toBe(2_000);
    third.sharing.watch([], 2_000);
    second.sharing.tabGone(first.tab);
    first.sharing.tabGone(second.tab);
    expect(first.perSecondCount).toBe(200);
  });

  it('keep what a server told that is gone', () => {
    const { first, second } = two();
    first.happens(warning('last words'));
    second.sharing.tabGone(first.tab);
    const later: EventBatch[] = [];
    second.sharing.listen((batch) => later.push(batch));
    expect(later.flatMap(({ records }) => records).map(({ event }) => event)).toContainEqual(
      warning('last words'),
    );
  });

  it('drop what does not fit, and say how much that was', () => {
    const { first, second } = two();
    second.full.add(first.tab);
    first.happens(warning('one'), warning('two'));
    second.full.clear();
    first.happens(warning('three'));
    expect(second.warningsOf(first)).toEqual(['three']);
    expect(second.missedOf(first)).toBe(2);
  });

  it('thin out a flood by whole transactions, the same at every server, and count the rest', () => {
    const { first, second, pages } = two();
    const third = pages.add(3);
    third.sharing.watch(['txn'], 2_000);
    const flood = Array.from({ length: 3_000 }, (_, index) => applied(index));
    for (const page of [first, second]) page.happens(...flood, warning('after the flood'));
    const heardOf = (page: Page) =>
      third.heard
        .filter((batch) => Number(batch.sid) === page.sid)
        .flatMap(({ records }) => records)
        .flatMap(({ event }) => (event.topic === 'txn' ? [event.zxid] : []));
    expect(heardOf(first)).toEqual(heardOf(second));
    expect(heardOf(first).length).toBeLessThan(2_000);
    first.happens(warning('done'));
    expect(heardOf(first).length + third.missedOf(first)).toBe(3_000);
    expect(third.warningsOf(first)).toEqual(['after the flood', 'done']);
  });
});

describe('a page that says what it should not', () => {
  const record = (from: number, event: unknown): string =>
    JSON.stringify({
      missed: 0,
      records: [{ sid: String(from), timeMs: 1, wallTimeMs: 1, sequence: 1, event }],
    });
  const bad: Readonly<Record<string, string>> = {
    'no JSON': '{',
    'a number': '7',
    'no message there is': '{"hello":1}',
    'a record of no topic': record(1, { topic: 'toString', type: 'constructor' }),
    'a record with a wrong field': record(1, { topic: 'peer', type: 'warning', message: 3 }),
    "another server's record": record(2, { topic: 'peer', type: 'warning', message: 'x' }),
    'a negative count': '{"missed":-1,"records":[]}',
    'a wish without a place to begin': '{"want":["txn"],"answer":true}',
  };

  it.each(Object.entries(bad))('is not listened to any more: %s', (_name, text) => {
    const { first, second } = two();
    second.sharing.received(first.tab, first.sid, text);
    expect(second.closed).toEqual([first.tab]);
    first.happens(warning('too late'));
    expect(second.warningsOf(first)).toEqual([]);
    second.happens(warning('kept to itself'));
    expect(first.warningsOf(second)).toEqual([]);
  });

  it('is not listened to any more when it says too much', () => {
    const { first, second } = two();
    const text = `{"missed":0,"records":[],"padding":"${'x'.repeat(60_000)}"}`;
    for (let sent = 0; sent < 40; sent++) second.sharing.received(first.tab, first.sid, text);
    expect(second.closed).toEqual([first.tab]);
  });
});
