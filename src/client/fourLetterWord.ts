/** A four-letter word asked over a connection of its own, as `echo stat | nc host 2181` does. It opens no session. */

import type { Address } from '../ports/network.ts';
import type { World } from '../ports/world.ts';

const ANSWER_LIMIT_MS = 10_000;
/** Far above what a busy server prints, and little for a page. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Resolves with all that the server prints; rejects with an `Error` for a person where it prints nothing. */
export function askFourLetterWord(
  { clock, network }: Pick<World, 'clock' | 'network'>,
  address: Address,
  word: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = new TextDecoder();
    let text = '';
    let byteCount = 0;
    const fail = (problem: string): void => {
      limit.cancel();
      connection.destroy();
      reject(new Error(`${address} ${problem}`));
    };
    const limit = clock.after(ANSWER_LIMIT_MS, () => fail('does not answer'));
    const connection = network.connect(address, 'client', {
      opened: () => void connection.write(new TextEncoder().encode(word)),
      received: (bytes) => {
        byteCount += bytes.length;
        text += decoder.decode(bytes, { stream: true });
        if (byteCount > MAX_ANSWER_BYTES) fail('answers without end');
      },
      drained: () => {},
      closed: (reason) => {
        if (reason.kind !== 'ended') return fail(`cannot be asked: ${reason.message}`);
        if (text === '') return fail('closed the connection without an answer');
        limit.cancel();
        resolve(text);
      },
    });
  });
}
