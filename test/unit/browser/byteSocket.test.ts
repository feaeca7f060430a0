import { describe, expect, it } from 'vitest';
import { ByteSocket } from '../../../src/browser/byteSocket.ts';
import type { Pipe, PipeMessage } from '../../../src/browser/pipe.ts';
import type { CloseReason } from '../../../src/ports/network.ts';

/** A socket whose other end is the test itself. */
function dialled() {
  const sent: PipeMessage[] = [];
  const received: Uint8Array[] = [];
  const calls: string[] = [];
  let reason: CloseReason | null = null;
  let pipeClosed = false;
  const socket = new ByteSocket(1, 'tab-2', {
    opened: () => calls.push('opened'),
    received: (bytes) => received.push(bytes),
    drained: () => calls.push('drained'),
    closed: (why) => (reason = why),
  });
  const pipe: Pipe = {
    send: (message) => void sent.push(message),
    close: () => (pipeClosed = true),
  };
  socket.attach(pipe);
  const say = (message: PipeMessage) => socket.pipeHandler.message(message);
  return {
    socket,
    sent,
    received,
    calls,
    say,
    reason: () => reason,
    pipeClosed: () => pipeClosed,
    sentBytes: () => sent.reduce((sum, one) => sum + (typeof one === 'string' ? 0 : one.length), 0),
  };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
const MIB = 1024 * 1024;

describe('a socket over a pipe', () => {
  it('joins the small writes of one turn', async () => {
    const { socket, sent } = dialled();
    for (let count = 0; count < 10; count++) socket.write(new Uint8Array(10));
    await turn();
    expect(sent.map((message) => message.length)).toEqual([100]);
  });

  it('has no more than a window under way until the other side has taken it', async () => {
    const { socket, say, sentBytes, calls } = dialled();
    say('a');
    expect(socket.write(new Uint8Array(3 * MIB))).toBe(false);
    await turn();
    expect(sentBytes()).toBe(MIB);
    expect(socket.bufferedBytes).toBe(2 * MIB);
    for (let credit = 0; credit < 8; credit++) {
      say(`c${MIB / 4}`);
      await turn();
    }
    expect(sentBytes()).toBe(3 * MIB);
    expect(calls).toEqual(['opened', 'drained']);
  });

  it('tells what it has taken, but not while paused', async () => {
    const { socket, sent, say, received } = dialled();
    say('a');
    socket.pause();
    for (let count = 0; count < 16; count++) say(new Uint8Array(MIB / 16));
    await turn();
    expect(sent).toEqual([]);
    socket.resume();
    await turn();
    expect(received).toHaveLength(16);
    expect(sent).toEqual([`c${MIB / 4}`, `c${MIB / 4}`, `c${MIB / 4}`, `c${MIB / 4}`]);
  });

  it.each([
    ['credit for what was never sent', 'c1'],
    ['a credit that is no number', 'cx'],
    ['a word that means nothing', '?'],
  ])('breaks on %s', async (_what, word) => {
    const { say, reason, sent, pipeClosed } = dialled();
    say('a');
    say(word);
    await turn();
    expect(reason()?.kind).toBe('broken');
    expect(sent).toEqual(['x']);
    expect(pipeClosed()).toBe(true);
  });

  it('gives what came before the end, though it was paused', async () => {
    const { socket, say, received, reason } = dialled();
    say('a');
    socket.pause();
    say(new Uint8Array(5));
    say('e');
    socket.pipeHandler.closed('the pipe is gone');
    await turn();
    expect(reason()).toBeNull();
    socket.resume();
    await turn();
    expect(received).toHaveLength(1);
    expect(reason()).toEqual({ kind: 'ended' });
  });
});
