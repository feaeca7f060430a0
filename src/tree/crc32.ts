/** CRC-32 (IEEE, as `java.util.zip.CRC32`) eight bytes at a time. Feed it, then `crc32Finish`. */

/** The state before the first byte. States are signed 32-bit integers. */
export const CRC32_START = -1;

const POLYNOMIAL = 0xedb88320;
const SLICE_BYTES = 8;

/** Eight tables of 256: entry `256 * k + b` is what byte `b` does to the state when `k` more bytes follow it. */
const tables = makeTables();

function makeTables(): Int32Array {
  const made = new Int32Array(256 * SLICE_BYTES);
  for (let byte = 0; byte < 256; byte++) {
    let state = byte;
    for (let bit = 0; bit < 8; bit++) state = state & 1 ? (state >>> 1) ^ POLYNOMIAL : state >>> 1;
    made[byte] = state;
  }
  for (let i = 256; i < made.length; i++) {
    const before = made[i - 256] ?? 0;
    made[i] = (before >>> 8) ^ (made[before & 0xff] ?? 0);
  }
  return made;
}

/** The state after the bytes of `bytes` from `start` to `end`, which lie inside it. */
// Every index below is in bounds, so `?? 0` never decides anything; it satisfies the compiler and costs nothing.
export function crc32Bytes(state: number, bytes: Uint8Array, start: number, end: number): number {
  let crc = state;
  let at = start;
  for (const last = end - SLICE_BYTES; at <= last; at += SLICE_BYTES) {
    crc ^=
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24);
    crc =
      (tables[1792 + (crc & 0xff)] ?? 0) ^
      (tables[1536 + ((crc >>> 8) & 0xff)] ?? 0) ^
      (tables[1280 + ((crc >>> 16) & 0xff)] ?? 0) ^
      (tables[1024 + (crc >>> 24)] ?? 0) ^
      (tables[768 + (bytes[at + 4] ?? 0)] ?? 0) ^
      (tables[512 + (bytes[at + 5] ?? 0)] ?? 0) ^
      (tables[256 + (bytes[at + 6] ?? 0)] ?? 0) ^
      (tables[bytes[at + 7] ?? 0] ?? 0);
  }
  for (; at < end; at++) crc = crc32Byte(crc, bytes[at] ?? 0);
  return crc;
}

/** The state after the UTF-8 bytes of `text` (real UTF-8, as `String.getBytes`, not the wire's CESU-8). */
export function crc32Text(state: number, text: string): number {
  let crc = state;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return crc32CodePoints(crc, text.slice(i));
    crc = crc32Byte(crc, unit);
  }
  return crc;
}

/** The CRC as Java's `getValue` gives it: unsigned. */
export const crc32Finish = (state: number): number => ~state >>> 0;

function crc32Byte(state: number, byte: number): number {
  return (state >>> 8) ^ (tables[(state ^ byte) & 0xff] ?? 0);
}

/** What Java writes for half a surrogate pair. */
const UNENCODABLE = 0x3f;

function crc32CodePoints(state: number, text: string): number {
  let crc = state;
  for (const character of text) {
    const point = character.codePointAt(0) ?? UNENCODABLE;
    const isHalf = point >= 0xd800 && point <= 0xdfff;
    crc = crc32CodePoint(crc, isHalf ? UNENCODABLE : point);
  }
  return crc;
}

function crc32CodePoint(state: number, point: number): number {
  if (point < 0x80) return crc32Byte(state, point);
  if (point < 0x800) return continuation(crc32Byte(state, 0xc0 | (point >> 6)), point, 1);
  if (point < 0x10000) return continuation(crc32Byte(state, 0xe0 | (point >> 12)), point, 2);
  return continuation(crc32Byte(state, 0xf0 | (point >> 18)), point, 3);
}

function continuation(state: number, point: number, count: number): number {
  let crc = state;
  for (let left = count - 1; left >= 0; left--)
    crc = crc32Byte(crc, 0x80 | ((point >> (6 * left)) & 0x3f));
  return crc;
}
