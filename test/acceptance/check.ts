/** What the acceptance suites need of a test framework: nothing, so that they also run inside a page. */

/** Registers one test, as `test` of Vitest does. */
export type Register = (name: string, run: () => Promise<void>) => void;

export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  check(
    JSON.stringify(actual) === JSON.stringify(expected),
    `${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`,
  );
}

export function checkBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  checkEqual(actual.length, expected.length, `${what}, length`);
  const index = actual.findIndex((byte, at) => byte !== expected[at]);
  check(index === -1, `${what}: byte ${index} is ${actual[index]} instead of ${expected[index]}`);
}

/** `length` bytes that differ from place to place and from `salt` to `salt`. */
export function pattern(length: number, salt = 0): Uint8Array {
  let state = (0x2545f491 ^ Math.imul(salt + 1, 0x9e3779b9)) | 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  });
}

/** Numbers below `bound`, the same ones in every run. */
export function numbers(seed: number): (bound: number) => number {
  let state = seed | 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
