/** A promise to clients was broken in a simulated run: a bug, or a hole in what the run believes. */
export class RunViolation extends Error {
  override readonly name = 'RunViolation';
}
