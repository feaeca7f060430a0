/** Pipes over a real message port. */

import { describe, expect, it } from 'vitest';
import type { PipeMessage } from '../../../src/browser/pipe.ts';
import { PipeMux } from '../../../src/browser/pipeMux.ts';

const HEADER = { port: 'quorum', to: 1, from: 2 } as const;
const PART_BYTES = 64 * 1024;

describe('bytes that are given away', () => {
  it('arrive whole when several are parts of one buffer', async () => {
    const { port1, port2 } = new MessageChannel();
    const received: PipeMessage[] = [];
    const arrived = new Promise<void>((resolve) => {
      const far = new PipeMux({ post: () => {} }, 'second', () => ({
        message: (message) => {
          received.push(message);
          if (received.length === 2) resolve();
        },
        closed: () => {},
      }));
      port2.onmessage = ({ data }: MessageEvent<unknown>) => far.received(data);
    });
    const near = new PipeMux(
      { post: (frames, transfer) => port1.postMessage(frames, transfer as ArrayBuffer[]) },
      'first',
      () => null,
    );
    const pipe = near.open(HEADER, { message: () => {}, closed: () => {} });
    const whole = new Uint8Array(2 * PART_BYTES).map((_, index) => index % 251);
    pipe.give(whole.subarray(0, PART_BYTES));
    pipe.give(whole.subarray(PART_BYTES));
    await arrived;
    expect(received).toEqual([whole.slice(0, PART_BYTES), whole.slice(PART_BYTES)]);
    port1.close();
  });
});

describe('a part of a buffer', () => {
  it('goes without the rest of it', async () => {
    const posted: unknown[] = [];
    const near = new PipeMux({ post: (frames) => posted.push(...frames) }, 'first', () => null);
    const pipe = near.open(HEADER, { message: () => {}, closed: () => {} });
    pipe.send(new Uint8Array(PART_BYTES).fill(7).subarray(100, 110));
    await Promise.resolve();
    const sent = posted.flat().filter((value) => value instanceof Uint8Array);
    expect(sent.map((bytes) => bytes.buffer.byteLength)).toEqual([10]);
  });
});
