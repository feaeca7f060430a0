/**
 * What tabs of a room tell each other of their servers, so that every page can show the whole. It goes beside the
 * protocol and gives way to it: a full channel takes no more, and what was not told is counted. A page that says anything
 * else than it should is not listened to any more.
 */

import { recordFromJson, recordToJson, isTopic } from '../narration/eventCodec.ts';
import { BadEvent, isObject } from '../narration/fieldCodec.ts';
import { FREQUENT_TOPICS, Thinning } from '../narration/thinning.ts';
import type { ProbeRecord, ProbeTopic } from '../ports/probe.ts';
import type { EventBatch, RoomEvents } from '../room/admin.ts';
import { parseJson, type TabId } from '../room/messages.ts';
import { sid as sidOf } from '../wire/ids.ts';
import { MAX_STORY_LENGTH } from './peerLink.ts';

/** A tab that comes later, or looks later, is told so much of what came before. */
const HISTORY_COUNT = 400;
/** Of all servers together, for who looks later. */
const KEPT_COUNT = 4_000;
/** Told to one other page at most: enough for an eye, and little beside what the links carry. */
const MOST_PER_SECOND_COUNT = 2_000;
/** A message is closed at half of what the other side takes; one record never needs the other half. */
const FULL_MESSAGE_LENGTH = MAX_STORY_LENGTH / 2;
/** Four times what this code itself would ever send in a second is a flood, and meant as one. */
const HEARD_PER_SECOND_LENGTH = 2 * 1024 * 1024;

export interface SharingWorld {
  readonly sid: number;
  now(): number;
  linked(): ReadonlyMap<TabId, number>;
  /** False: not taken. */
  send(tab: TabId, text: string): boolean;
  /** Nothing is heard of that page from now on. */
  close(tab: TabId): void;
  /** What somebody in the room wants told of this tab's server, and how much a second of what comes with every write. */
  watch(topics: readonly ProbeTopic[], perSecondCount: number): void;
}

/** Another page: what it wants, what it was not told, and how much it has said. */
interface Listener {
  readonly sid: number;
  thinning: Thinning;
  perSecondCount: number;
  /** Null until it has said. */
  wants: ReadonlySet<ProbeTopic> | null;
  untoldCount: number;
  lastHeard: number;
  heardLength: number;
  heardSinceMs: number;
  closed: boolean;
}

export class EventSharing implements RoomEvents {
  readonly #world: SharingWorld;
  readonly #tabs = new Map<TabId, Listener>();
  readonly #listeners = new Set<(batch: EventBatch) => void>();
  /** What came seldom of this tab's server. */
  readonly #history: ProbeRecord[] = [];
  /** And of all, in the order it was heard. */
  #kept: EventBatch[] = [];
  #keptCount = 0;
  #wanted: readonly ProbeTopic[] = [];
  #perSecondCount = MOST_PER_SECOND_COUNT;
  /** Of this tab's own events for its own page: what it is told of others is thinned out before it comes. */
  #thinning = new Thinning(MOST_PER_SECOND_COUNT);

  constructor(world: SharingWorld) {
    this.#world = world;
    for (const [tab, sid] of world.linked()) this.#want(tab, sid, true);
  }

  listen(listener: (batch: EventBatch) => void): () => void {
    for (const batch of this.#kept) listener(batch);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  watch(topics: readonly ProbeTopic[], perSecondCount: number): void {
    this.#wanted = topics;
    this.#perSecondCount = perSecondCount;
    this.#thinning = new Thinning(perSecondCount);
    this.#watchOwn();
    for (const [tab, sid] of this.#world.linked()) this.#want(tab, sid, false);
  }

  linkUp(tab: TabId, sid: number): void {
    this.#want(tab, sid, true);
  }

  tabGone(tab: TabId): void {
    this.#tabs.delete(tab);
    this.#watchOwn();
  }

  /** What happened in this tab; `missedCount` events before them were lost on the way from its server. */
  own(records: readonly ProbeRecord[], missedCount: number): void {
    const seated = records.filter((record) => Number(record.sid) === this.#world.sid);
    this.#history.push(...seated.filter(isSeldom));
    this.#history.splice(0, this.#history.length - HISTORY_COUNT);
    this.#tellOwn(seated, missedCount);
    for (const [tab, listener] of this.#tabs) {
      if (listener.wants !== null) this.#send(tab, listener, listener.wants, seated, missedCount);
    }
  }

  #tellOwn(seated: readonly ProbeRecord[], missedCount: number): void {
    const nowMs = this.#world.now();
    // The server also tells what only other pages have asked for.
    const wanted = seated.filter(
      (record) => isSeldom(record) || this.#wanted.includes(record.event.topic),
    );
    const records = wanted.filter(
      (record) => isSeldom(record) || this.#thinning.keeps(record.event, nowMs),
    );
    const untoldCount = wanted.length - records.length;
    const sid = sidOf(this.#world.sid);
    this.#tell({ sid, records, missedCount: missedCount + untoldCount });
  }

  received(tab: TabId, sid: number, text: string): void {
    const listener = this.#listener(tab, sid);
    if (listener.closed) return;
    try {
      if (this.#isFlood(listener, text.length)) throw new BadEvent('too much at once');
      this.#read(tab, listener, parseJson(text));
    } catch (error) {
      if (!(error instanceof BadEvent)) throw error;
      listener.closed = true;
      listener.wants = null;
      this.#world.close(tab);
    }
  }

  #read(tab: TabId, listener: Listener, message: unknown): void {
    if (!isObject(message)) throw new BadEvent('no message');
    if (Array.isArray(message['want'])) this.#wantedBy(tab, listener, message);
    else if (Array.isArray(message['records'])) this.#heard(listener, message);
    else throw new BadEvent('no message there is');
  }

  #wantedBy(tab: TabId, listener: Listener, message: Record<string, unknown>): void {
    const { want, after, answer, most = MOST_PER_SECOND_COUNT } = message;
    if (!isCount(after) || !isCount(most) || typeof answer !== 'boolean' || !Array.isArray(want)) {
      throw new BadEvent('no wish');
    }
    const topics = want.filter(isTopic);
    listener.wants = new Set(topics);
    listener.perSecondCount = Math.min(most, MOST_PER_SECOND_COUNT);
    listener.thinning = new Thinning(listener.perSecondCount);
    this.#watchOwn();
    if (answer) this.#want(tab, listener.sid, false);
    const untold = this.#history.filter((record) => record.sequence > after);
    this.#send(tab, listener, listener.wants, untold, 0);
  }

  #heard(listener: Listener, message: Record<string, unknown>): void {
    const { records, missed } = message;
    if (!isCount(missed) || !Array.isArray(records)) throw new BadEvent('no events');
    const fresh: ProbeRecord[] = [];
    for (const json of records) {
      const record = recordFromJson(json);
      if (Number(record.sid) !== listener.sid) throw new BadEvent('of another server');
      if (record.sequence <= listener.lastHeard) continue;
      listener.lastHeard = record.sequence;
      fresh.push(record);
    }
    this.#tell({ sid: sidOf(listener.sid), records: fresh, missedCount: missed });
  }

  #isFlood(listener: Listener, length: number): boolean {
    const nowMs = this.#world.now();
    if (nowMs - listener.heardSinceMs >= 1000) {
      listener.heardSinceMs = nowMs;
      listener.heardLength = 0;
    }
    listener.heardLength += length;
    return listener.heardLength > HEARD_PER_SECOND_LENGTH;
  }

  #want(tab: TabId, sid: number, answer: boolean): void {
    const listener = this.#listener(tab, sid);
    if (listener.closed) return;
    const most = this.#perSecondCount;
    const wish = { want: this.#wanted, most, after: listener.lastHeard, answer };
    this.#world.send(tab, JSON.stringify(wish));
  }

  #send(
    tab: TabId,
    listener: Listener,
    wants: ReadonlySet<ProbeTopic>,
    records: readonly ProbeRecord[],
    missedCount: number,
  ): void {
    listener.untoldCount += missedCount;
    let texts: string[] = [];
    let length = 0;
    for (const record of records) {
      if (!isSeldom(record) && !wants.has(record.event.topic)) continue;
      const text = listener.thinning.keeps(record.event, this.#world.now()) ? textOf(record) : null;
      if (text === null) {
        listener.untoldCount++;
        continue;
      }
      texts.push(text);
      length += text.length;
      if (length < FULL_MESSAGE_LENGTH) continue;
      this.#post(tab, listener, texts);
      texts = [];
      length = 0;
    }
    if (texts.length > 0) this.#post(tab, listener, texts);
  }

  #post(tab: TabId, listener: Listener, texts: readonly string[]): void {
    const message = `{"missed":${listener.untoldCount},"records":[${texts.join(',')}]}`;
    if (this.#world.send(tab, message)) listener.untoldCount = 0;
    else listener.untoldCount += texts.length;
  }

  #tell(batch: EventBatch): void {
    const seldom = batch.records.filter(isSeldom);
    if (seldom.length > 0 || batch.missedCount > 0) {
      this.#kept.push({ ...batch, records: seldom });
      this.#keptCount += seldom.length;
      while (this.#keptCount > KEPT_COUNT) {
        this.#keptCount -= this.#kept.shift()?.records.length ?? KEPT_COUNT;
      }
    }
    for (const listener of this.#listeners) listener(batch);
  }

  #listener(tab: TabId, sid: number): Listener {
    const known = this.#tabs.get(tab);
    if (known?.sid === sid) return known;
    const listener: Listener = {
      sid,
      thinning: new Thinning(MOST_PER_SECOND_COUNT),
      perSecondCount: 0,
      wants: null,
      untoldCount: 0,
      lastHeard: 0,
      heardLength: 0,
      heardSinceMs: this.#world.now(),
      closed: false,
    };
    this.#tabs.set(tab, listener);
    return listener;
  }

  #watchOwn(): void {
    const topics = new Set(this.#wanted);
    // The server picks for who can take most, and each is told its part of that.
    let most = this.#wanted.length > 0 ? this.#perSecondCount : 0;
    for (const { wants, perSecondCount } of this.#tabs.values()) {
      if (wants === null || wants.size === 0) continue;
      most = Math.max(most, perSecondCount);
      for (const topic of wants) topics.add(topic);
    }
    this.#world.watch([...topics], most);
  }
}

const isSeldom = ({ event }: ProbeRecord): boolean => !FREQUENT_TOPICS.has(event.topic);

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** Null for a record that is too large to be told. */
function textOf(record: ProbeRecord): string | null {
  try {
    const text = JSON.stringify(recordToJson(record));
    return text.length < FULL_MESSAGE_LENGTH ? text : null;
  } catch (error) {
    if (error instanceof BadEvent) return null;
    throw error;
  }
}
