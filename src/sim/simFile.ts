/** A file of a simulated disk: its bytes, and how many of them a crash would leave. */

/** A growing file and how much of it is safe. */
export class SimFile {
  #bytes = new Uint8Array(256);
  sizeBytes = 0;
  durableBytes = 0;
  /** The name itself would survive a crash. */
  durablyNamed = false;

  static durable(bytes: Uint8Array): SimFile {
    const file = new SimFile();
    file.append(bytes);
    file.makeDurable();
    return file;
  }

  append(bytes: Uint8Array): void {
    const neededBytes = this.sizeBytes + bytes.length;
    if (neededBytes > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(neededBytes, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.sizeBytes));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.sizeBytes);
    this.sizeBytes = neededBytes;
  }

  makeDurable(): void {
    this.durableBytes = this.sizeBytes;
    this.durablyNamed = true;
  }

  cutTo(sizeBytes: number): void {
    this.sizeBytes = sizeBytes;
    this.durableBytes = sizeBytes;
    this.durablyNamed = true;
  }

  flip(offset: number, mask: number): void {
    const old = this.#bytes[offset];
    if (old === undefined || offset >= this.sizeBytes) throw new RangeError(`no byte ${offset}`);
    this.#bytes[offset] = old ^ mask;
  }

  view(length: number): Uint8Array {
    return this.#bytes.subarray(0, length);
  }
}
