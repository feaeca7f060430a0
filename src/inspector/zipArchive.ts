/**
 * Zip archives as a stranger may have made them: entry by entry, with every length checked against what is there and
 * every checksum verified; and the zip of a data directory, written. Pure.
 */

import { inflateSync, Zip, ZipDeflate } from 'fflate';
import { decodeUtf8 } from '../wire/utf8.ts';
import { crc32 } from './crc32.ts';
import type { NamedBytes } from './dataFiles.ts';

/** What an archive may ask for. */
export interface ZipLimits {
  readonly entryCount: number;
  /** Of one entry, unpacked. */
  readonly entryBytes: number;
  /** Of all entries, unpacked. */
  readonly totalBytes: number;
}

/** A data directory has a few dozen files; a real server's logs are 64 MiB each, most of it zeros. */
export const ZIP_LIMITS: ZipLimits = {
  entryCount: 10_000,
  entryBytes: 512 * 1024 * 1024,
  totalBytes: 4 * 1024 * 1024 * 1024,
};

/** Says in a sentence for people what is wrong with the archive. */
class ZipError extends Error {
  override readonly name = 'ZipError';
}

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const CENTRAL_SIGNATURE = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;
/** In place of a number that stands elsewhere, as zip64 has it. */
const ELSEWHERE_16 = 0xffff;
const ELSEWHERE_32 = 0xffffffff;

interface Entry {
  readonly path: string;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly sizeBytes: number;
  readonly localOffset: number;
}

/**
 * The files of an archive, unpacked one at a time: who lets go of one before asking for the next never holds more.
 * Folders are left out.
 *
 * @throws ZipError
 */
export function* unzip(archive: Uint8Array, limits = ZIP_LIMITS): Generator<NamedBytes> {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const entries = readEntries(archive, view);
  checkEntries(entries, archive.length, limits);
  for (const entry of entries) {
    if (!entry.path.endsWith('/')) yield { path: entry.path, bytes: unpack(archive, view, entry) };
  }
}

function readEntries(archive: Uint8Array, view: DataView): readonly Entry[] {
  const end = findEnd(view);
  if (end === null) {
    throw new ZipError('It is no zip archive: it has no directory at its end, or it is cut short.');
  }
  const count = view.getUint16(end + 10, true);
  let offset = view.getUint32(end + 16, true);
  if (count === ELSEWHERE_16 || offset === ELSEWHERE_32) {
    throw new ZipError(
      'It is a zip64 archive, which is made only for more than 4 GiB or 65,535 files.',
    );
  }
  const entries: Entry[] = [];
  for (let index = 0; index < count; index++) {
    if (offset + CENTRAL_BYTES > end || view.getUint32(offset, true) !== CENTRAL_SIGNATURE) {
      throw new ZipError(`The directory of the zip is damaged at byte ${offset}.`);
    }
    const pathBytes = view.getUint16(offset + 28, true);
    const extraBytes = view.getUint16(offset + 30, true);
    const commentBytes = view.getUint16(offset + 32, true);
    const pathStart = offset + CENTRAL_BYTES;
    const path = decodeUtf8(archive.subarray(pathStart, pathStart + pathBytes));
    if ((view.getUint16(offset + 8, true) & ENCRYPTED) !== 0) {
      throw new ZipError(`${quoted(path)} is encrypted.`);
    }
    entries.push({
      path,
      method: view.getUint16(offset + 10, true),
      crc: view.getUint32(offset + 16, true),
      packedBytes: view.getUint32(offset + 20, true),
      sizeBytes: view.getUint32(offset + 24, true),
      localOffset: view.getUint32(offset + 42, true),
    });
    offset = pathStart + pathBytes + extraBytes + commentBytes;
  }
  return entries;
}

/** From the end, since a comment may follow. */
function findEnd(view: DataView): number | null {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at--) {
    if (view.getUint32(at, true) === END_SIGNATURE) return at;
  }
  return null;
}

function checkEntries(entries: readonly Entry[], archiveBytes: number, limits: ZipLimits): void {
  if (entries.length > limits.entryCount) {
    throw new ZipError(`It has ${entries.length} files; no data directory has so many.`);
  }
  const paths = new Set<string>();
  let totalBytes = 0;
  let packedBytes = 0;
  for (const { path, sizeBytes, packedBytes: packed } of entries) {
    const wrong = pathProblem(path);
    if (wrong !== null) throw new ZipError(`${quoted(path)} ${wrong}.`);
    if (paths.has(path)) throw new ZipError(`${quoted(path)} is in it twice.`);
    paths.add(path);
    if (sizeBytes > limits.entryBytes) {
      throw new ZipError(`${quoted(path)} would unpack to ${sizeBytes} bytes, more than is taken.`);
    }
    totalBytes += sizeBytes;
    packedBytes += packed;
  }
  if (totalBytes > limits.totalBytes) {
    throw new ZipError(`It would unpack to ${totalBytes} bytes, more than is taken.`);
  }
  // Entries that share their bytes unpack to far more than an archive of this size can hold.
  if (packedBytes > archiveBytes)
    throw new ZipError('Its files overlap, as in a zip made to do harm.');
}

/** Only names count here, but what names a place outside of the archive was not made in good faith. */
function pathProblem(path: string): string | null {
  if (path === '' || path.includes('\0')) return 'is no name of a file';
  if (path.includes('\\')) return 'has a backslash in its name, which a zip may not have';
  if (path.startsWith('/') || /^[a-z]:/i.test(path) || path.split('/').includes('..')) {
    return 'names a place outside of the archive';
  }
  return null;
}

function unpack(archive: Uint8Array, view: DataView, entry: Entry): Uint8Array {
  const { path, localOffset, packedBytes, sizeBytes, method, crc } = entry;
  const damaged = new ZipError(
    `${quoted(path)} is damaged in the zip, at byte ${localOffset} of it.`,
  );
  if (localOffset + LOCAL_BYTES > archive.length) throw damaged;
  if (view.getUint32(localOffset, true) !== LOCAL_SIGNATURE) throw damaged;
  const start =
    localOffset +
    LOCAL_BYTES +
    view.getUint16(localOffset + 26, true) +
    view.getUint16(localOffset + 28, true);
  const packed = archive.subarray(start, start + packedBytes);
  if (packed.length !== packedBytes) throw damaged;
  const bytes = inflated(packed, entry);
  if (bytes.length !== sizeBytes || crc32(bytes) !== crc) {
    throw new ZipError(
      `${quoted(path)} is damaged in the zip: its checksum (CRC-32) does not fit.`,
    );
  }
  return method === STORED ? bytes.slice() : bytes;
}

/** Into as many bytes as the directory says and no more, whatever the data would unpack to. */
function inflated(packed: Uint8Array, { path, method, sizeBytes }: Entry): Uint8Array {
  if (method === STORED) return packed;
  if (method !== DEFLATED) {
    throw new ZipError(
      `${quoted(path)} is compressed in a way (${method}) that cannot be read here.`,
    );
  }
  try {
    return inflateSync(packed, { out: new Uint8Array(sizeBytes) });
  } catch (error) {
    throw new ZipError(`${quoted(path)} is damaged in the zip: it cannot be unpacked.`, {
      cause: error,
    });
  }
}

const SHOWN_CHARACTERS = 80;

function quoted(path: string): string {
  const printable = path.replace(/[^\x20-\x7e]/g, '?');
  return printable.length > SHOWN_CHARACTERS
    ? `“${printable.slice(0, SHOWN_CHARACTERS)}…”`
    : `“${printable}”`;
}

/** Compressed at a time, between two reports of how far it is. */
const PACK_STEP_BYTES = 1024 * 1024;

/** The archive in pieces, in their order. */
export function zip(
  files: readonly NamedBytes[],
  progress: (doneBytes: number) => void = () => {},
): readonly Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const archive = new Zip((error, piece) => {
    if (error !== null) throw error;
    pieces.push(piece.slice());
  });
  let doneBytes = 0;
  for (const { path, bytes } of files) {
    const entry = new ZipDeflate(path, { level: 6 });
    archive.add(entry);
    for (let at = 0; at === 0 || at < bytes.length; at += PACK_STEP_BYTES) {
      const piece = bytes.slice(at, at + PACK_STEP_BYTES);
      entry.push(piece, at + PACK_STEP_BYTES >= bytes.length);
      doneBytes += piece.length;
      progress(doneBytes);
    }
  }
  archive.end();
  return pieces;
}
