import { expect, test } from 'vitest';
import type { ProbeEvent } from '../../../src/ports/probe.ts';
import { mermaidOf, replayLines } from '../../../src/sim/run/replayText.ts';
import { runSeed } from '../../../src/sim/run/runSeed.ts';
import type { TraceEntry } from '../../../src/sim/run/runTrace.ts';
import { svgOf } from '../../../src/sim/run/sequenceSvg.ts';
import { epoch, makeZxid, sid } from '../../../src/wire/ids.ts';
import { PacketType } from '../../../src/wire/quorumPackets.ts';

let sequence = 0;

function says(timeMs: number, who: number, event: ProbeEvent): TraceEntry {
  const record = { sid: sid(who), timeMs, wallTimeMs: timeMs, sequence: sequence++, event };
  return { kind: 'record', timeMs, record };
}

function packet(type: 'sent' | 'received', peer: number, offsetBytes: number): ProbeEvent {
  return {
    topic: 'packet',
    type,
    connection: 1,
    peer: sid(peer),
    offsetBytes,
    packetType: PacketType.ACK,
    zxid: makeZxid(epoch(1), 7n),
    data: null,
    dataBytes: 0,
  };
}

const ENTRIES: readonly TraceEntry[] = [
  says(1, 1, packet('sent', 2, 0)),
  says(2, 1, packet('sent', 2, 40)),
  says(3, 2, packet('received', 1, 0)),
  { kind: 'note', timeMs: 4, text: 'FAULT: server 1 loses power & <is silent>' },
  { kind: 'note', timeMs: 5, text: 'client: read' },
  { kind: 'note', timeMs: 6, text: 'FAILED: something is wrong' },
];

test('a diagram tells messages that came from those that did not, and has faults and the failure in it', () => {
  expect(mermaidOf(ENTRIES, 10)).toBe(
    [
      'sequenceDiagram',
      '  participant S1 as server 1',
      '  participant S2 as server 2',
      '  S1->>S2: ACK 0x100000007',
      '  S1--xS2: ACK 0x100000007',
      '  Note over S1,S2: FAULT: server 1 loses power & <is silent>',
      '  Note over S1,S2: FAILED: something is wrong',
      '',
    ].join('\n'),
  );
});

test('a picture has its times, what did not arrive, and no markup out of a text', () => {
  const svg = svgOf(ENTRIES, 10, 'The end');
  expect(svg.match(/marker-end=/g)).toHaveLength(1);
  expect(svg.match(/stroke-dasharray=/g)).toHaveLength(1);
  expect(svg).toContain('loses power &amp; &lt;is silent&gt;');
  expect(svg).toContain('2.000 ms');
  expect(svg).not.toContain('client: read');
});

test('a picture of nothing is a picture', () => {
  expect(svgOf([], 10, 'Nothing')).not.toMatch(/NaN|Infinity|undefined/);
});

test('nothing of a real run is wider than its picture', () => {
  const { entries } = runSeed(5, { trace: true }).trace;
  expect(replayLines(entries).length).toBeGreaterThan(100);
  const svg = svgOf(entries, 1_000, 'Seed 5');
  const width = Number(/ width="(\d+)"/.exec(svg)?.[1]);
  const boxes = [...svg.matchAll(/<rect x="([\d.-]+)" y="[\d.-]+" width="([\d.]+)"/g)];
  expect(boxes.length).toBeGreaterThan(10);
  for (const [, x, boxWidth] of boxes) {
    expect(Number(x)).toBeGreaterThanOrEqual(0);
    expect(Number(x) + Number(boxWidth)).toBeLessThanOrEqual(width);
  }
});
