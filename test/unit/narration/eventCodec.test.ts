import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { recordFromJson, recordToJson } from '../../../src/narration/eventCodec.ts';
import { BadEvent } from '../../../src/narration/fieldCodec.ts';
import type { ProbeRecord } from '../../../src/ports/probe.ts';
import { sid, zxid } from '../../../src/wire/ids.ts';
import { wholeStory } from './simulatedStory.ts';

let story: readonly ProbeRecord[] = [];
beforeAll(async () => {
  story = await wholeStory();
});

const throughText = (record: ProbeRecord): ProbeRecord =>
  recordFromJson(JSON.parse(JSON.stringify(recordToJson(record))));

/** Payloads leave their server cut. */
function asTold(record: ProbeRecord): ProbeRecord {
  const { event } = record;
  if (event.topic !== 'packet' || event.data === null) return record;
  return { ...record, event: { ...event, data: Uint8Array.from(event.data.subarray(0, 256)) } };
}

const readOrBad = (json: unknown): 'read' | 'bad' => {
  try {
    recordFromJson(json);
    return 'read';
  } catch (error) {
    if (error instanceof BadEvent) return 'bad';
    throw error;
  }
};

describe('a probe record as text', () => {
  it('comes back as it was, whatever happens in an ensemble', () => {
    expect(new Set(story.map(({ event }) => event.topic)).size).toBeGreaterThan(7);
    for (const record of story) expect(throughText(record)).toEqual(asTold(record));
  });

  it('keeps a vote for nobody, which is the least number there is', () => {
    const nobody = sid(-(2n ** 63n));
    const vote = { leader: nobody, zxid: zxid(-(2n ** 63n)), peerEpoch: story[0]?.sid } as never;
    const record: ProbeRecord = {
      sid: sid(4),
      timeMs: 1.5,
      wallTimeMs: 2,
      sequence: 3,
      event: { topic: 'election', type: 'roundStarted', round: 9n, vote },
    };
    expect(throughText(record)).toEqual(record);
  });

  it('tells how long a payload was that it cut', () => {
    const packet: ProbeRecord = {
      sid: sid(1),
      timeMs: 0,
      wallTimeMs: 0,
      sequence: 1,
      event: {
        topic: 'packet',
        type: 'sent',
        connection: 1,
        peer: sid(2),
        offsetBytes: 0,
        packetType: 2,
        zxid: zxid(1n),
        data: new Uint8Array(1000),
        dataBytes: 1000,
      },
    };
    expect(throughText(packet).event).toMatchObject({ dataBytes: 1000, data: { length: 256 } });
  });

  it('of a stranger is refused, whatever JSON it is', () => {
    fc.assert(fc.property(fc.jsonValue(), (json) => readOrBad(json) === 'bad'));
  });

  it('with any one value of another kind, or missing, is refused or read, and nothing else happens', () => {
    const texts = story.filter((_, index) => index % 7 === 0).map(recordToJson);
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.oneof(fc.jsonValue(), fc.constant(undefined)),
        (json, at, value) => {
          readOrBad(withOneChanged(json, at, value));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('does not carry along what no event has', () => {
    const json = recordToJson(story[0] as ProbeRecord) as { event: object };
    const read = recordFromJson({
      ...json,
      extra: 1,
      event: { ...json.event, __proto__: 1, more: 2 },
    });
    expect(read).toEqual(story[0]);
  });
});

/** The value at some place of a JSON tree replaced by another. */
function withOneChanged(json: unknown, at: number, value: unknown): unknown {
  const places: (readonly string[])[] = [];
  const walk = (inner: unknown, path: readonly string[]): void => {
    places.push(path);
    if (typeof inner !== 'object' || inner === null) return;
    for (const [name, child] of Object.entries(inner)) walk(child, [...path, name]);
  };
  walk(json, []);
  const path = places[at % places.length] ?? [];
  const put = (inner: unknown, rest: readonly string[]): unknown => {
    const [name, ...deeper] = rest;
    if (name === undefined) return value;
    const copy = (Array.isArray(inner) ? [...inner] : { ...(inner as object) }) as Record<
      string,
      unknown
    >;
    copy[name] = put(copy[name], deeper);
    return copy;
  };
  return put(json, path);
}
