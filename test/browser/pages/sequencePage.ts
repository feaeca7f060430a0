/** The sequence over a stream of as many messages as wanted: nothing but the view, and no servers. */

import { mount } from 'svelte';
import type { Batch } from '../../../src/narration/eventStore.ts';
import type { ProbeRecord } from '../../../src/ports/probe.ts';
import SequenceView from '../../../src/ui/sequence/SequenceView.svelte';
import '../../../src/ui/app.css';
import '../../../src/ui/stage/stage.css';
import { StageState } from '../../../src/ui/stage/stageState.svelte.ts';
import { sid, zxid } from '../../../src/wire/ids.ts';
import { PacketType } from '../../../src/wire/quorumPackets.ts';

const SERVER_COUNT = 5;
const BATCH_COUNT = 1_000;

/** One end of the message with that number, from 1 to one of the others. */
function endOf(index: number, type: 'sent' | 'received'): ProbeRecord {
  const other = sid(2 + (index % (SERVER_COUNT - 1)));
  const [self, peer] = type === 'sent' ? [sid(1), other] : [other, sid(1)];
  const timeMs = index + (type === 'sent' ? 0 : 0.4);
  const packetType = index % 2 === 0 ? PacketType.PROPOSAL : PacketType.COMMIT;
  const zxidOf = zxid((1n << 32n) + BigInt(index));
  const ends = { connection: 1, peer, offsetBytes: index, zxid: zxidOf, data: null, dataBytes: 0 };
  const event = { topic: 'packet', type, packetType, ...ends } as const;
  return { sid: self, timeMs, wallTimeMs: timeMs, sequence: index + 1, event };
}

function* batches(count: number): Generator<Batch> {
  for (let from = 0; from < count; from += BATCH_COUNT) {
    const numbers = Array.from({ length: BATCH_COUNT }, (_, at) => from + at);
    for (const type of ['sent', 'received'] as const) {
      const records = numbers.map((number) => endOf(number, type));
      yield { sid: sid(1), records, missedCount: 0 };
    }
  }
}

/** Answers how long the messages took to be taken in, milliseconds. */
export async function showSequence(messageCount: number): Promise<number> {
  const stage = new StageState(SERVER_COUNT, () => 0);
  let tookMs = 0;
  const heard = new Promise<void>((resolve) => {
    const listen = (listener: (batch: Batch) => void): (() => void) => {
      const all = [...batches(messageCount)];
      const startMs = performance.now();
      for (const batch of all) listener(batch);
      tookMs = performance.now() - startMs;
      resolve();
      return () => undefined;
    };
    stage.listen(Promise.resolve({ listen, watch: () => undefined }));
  });
  await heard;
  mount(SequenceView, { target: document.body, props: { stage } });
  return tookMs;
}
