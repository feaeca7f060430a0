import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteQueue } from '../../../src/base/byteQueue.ts';

it('a queue gives back the bytes in order, however they came and are taken', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ push: fc.uint8Array({ maxLength: 12 }) }),
      fc.record({ unshift: fc.uint8Array({ maxLength: 12 }) }),
      fc.record({ take: fc.nat(20) }),
    ),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const queue = new ByteQueue();
      let model: number[] = [];
      for (const step of all) {
        if ('push' in step) {
          queue.push(step.push);
          model.push(...step.push);
        } else if ('unshift' in step) {
          queue.unshift(step.unshift);
          model = [...step.unshift, ...model];
        } else {
          const count = Math.min(step.take, model.length);
          expect([...queue.take(count)]).toEqual(model.splice(0, count));
        }
        expect(queue.length).toBe(model.length);
        for (let at = 0; at + 4 <= model.length; at += 3) {
          const expected = new DataView(Uint8Array.from(model.slice(at, at + 4)).buffer).getInt32(
            0,
          );
          expect(queue.peekInt(at)).toBe(expected);
        }
      }
    }),
  );
});

it('many chunks are used up without the list of them growing', () => {
  const queue = new ByteQueue();
  for (let i = 0; i < 1000; i++) {
    queue.push(Uint8Array.of(i & 0xff, 1));
    expect(queue.takeChunk()).toEqual(Uint8Array.of(i & 0xff, 1));
  }
  expect(queue.length).toBe(0);
  expect(queue.takeChunk()).toHaveLength(0);
});
