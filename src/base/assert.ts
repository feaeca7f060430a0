/**
 * Assertions about our own state, on in production: a failed one is a bug of Tabkeeper, never of a peer or a client.
 * What comes from outside is checked where it is read and closes that connection instead.
 */

class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws {@link AssertionError} with `message` unless `condition` holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the end of a switch over a union: does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionError(`impossible case: ${String(value)}`);
}
