/** The word of whoever decides between two servers, as a file says it (`QuorumOracleMaj.askOracle`). */

import { closeSync, openSync, readSync } from 'node:fs';
import type { Oracle } from '../config/quorumOracleMaj.ts';

const YES = '1'.charCodeAt(0);

/** Read anew each time it is asked, for the file may change at any moment; a file that cannot be read says no. */
export class OracleFile implements Oracle {
  readonly #path: string;
  readonly #problem: (message: string) => void;

  /** `problem` hears why the file cannot be read. */
  constructor(path: string, problem: (message: string) => void) {
    this.#path = path;
    this.#problem = problem;
  }

  grants(): boolean {
    try {
      return this.#firstByte() === YES;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#problem(`the oracle's file ${this.#path} cannot be read, which counts as no: ${why}`);
      return false;
    }
  }

  /** Undefined for an empty file. */
  #firstByte(): number | undefined {
    const descriptor = openSync(this.#path, 'r');
    try {
      const bytes = new Uint8Array(1);
      return readSync(descriptor, bytes, 0, 1, 0) === 1 ? bytes[0] : undefined;
    } finally {
      closeSync(descriptor);
    }
  }
}
