/**
 * Files as somebody dropped them, with archives among them taken apart: zips, zips in zips, and snapshots packed with gzip.
 * All together may ask for so much and no more, whatever the archives would unpack to. Pure.
 */

import { gunzipSync } from 'fflate';
import type { NamedBytes } from './dataFiles.ts';
import { unzip, ZIP_LIMITS, type ZipLimits } from './zipArchive.ts';

const ZIP = /\.zip$/i;
const GZIP = /^(.*\bsnapshot\.[0-9a-f]+)\.gz$/i;
/** A gzip file ends in the size of what is in it, little-endian. */
const GZIP_SIZE_BYTES = 4;
const SHORTEST_GZIP_BYTES = 18;
/** Zips in zips: there are archives that hold themselves. */
const MAX_DEPTH = 3;

/** They are all held at once. */
const HELD_LIMITS: ZipLimits = { ...ZIP_LIMITS, totalBytes: 2 * 1024 * 1024 * 1024 };

/** Throws an error for people that names the file which cannot be unpacked, or asks for too much. */
export function unpackFiles(files: readonly NamedBytes[], limits = HELD_LIMITS): NamedBytes[] {
  const unpacker = new Unpacker(limits);
  for (const file of files) unpacker.take(file, 1);
  return unpacker.found;
}

class Unpacker {
  readonly found: NamedBytes[] = [];
  readonly #limits: ZipLimits;
  #unpackedBytes = 0;

  constructor(limits: ZipLimits) {
    this.#limits = limits;
  }

  /** `depth`: in how many archives it would lie if it were one. */
  take(file: NamedBytes, depth: number): void {
    const snapshot = GZIP.exec(file.path)?.[1];
    if (snapshot !== undefined) {
      this.found.push({ path: snapshot, bytes: this.#guarded(file, () => this.#gunzip(file)) });
    } else if (ZIP.test(file.path)) {
      this.#guarded(file, () => this.#unzip(file, depth));
    } else {
      this.found.push(file);
    }
  }

  get #leftBytes(): number {
    return this.#limits.totalBytes - this.#unpackedBytes;
  }

  #unzip({ bytes }: NamedBytes, depth: number): void {
    if (depth > MAX_DEPTH) throw new Error('It lies in too many other zips.');
    for (const entry of unzip(bytes, { ...this.#limits, totalBytes: this.#leftBytes })) {
      this.#unpackedBytes += entry.bytes.length;
      this.take(entry, depth + 1);
    }
  }

  #gunzip({ bytes }: NamedBytes): Uint8Array {
    if (bytes.length < SHORTEST_GZIP_BYTES) throw new Error('It is cut short.');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const sizeBytes = view.getUint32(bytes.length - GZIP_SIZE_BYTES, true);
    if (sizeBytes > Math.min(this.#limits.entryBytes, this.#leftBytes)) {
      throw new Error(`It would unpack to ${sizeBytes} bytes, more than is taken.`);
    }
    this.#unpackedBytes += sizeBytes;
    return gunzipSync(bytes, { out: new Uint8Array(sizeBytes) });
  }

  #guarded<Result>({ path }: NamedBytes, unpack: () => Result): Result {
    try {
      return unpack();
    } catch (error) {
      if (error instanceof UnpackError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new UnpackError(`${path} cannot be unpacked. ${why}`, { cause: error });
    }
  }
}

/** Names the innermost file that is at fault. */
class UnpackError extends Error {
  override readonly name = 'UnpackError';
}
