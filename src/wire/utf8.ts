/**
 * Strings as ZooKeeper's servers put them on the wire and read them back. Java writes UTF-16 units one by one (CESU-8: a
 * character beyond the BMP becomes two 3-byte surrogates) but reads standard UTF-8; here both forms are read.
 */

const REPLACEMENT = '\ufffd';
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
/** Strings longer than this are decoded in pieces, so that `String.fromCharCode` is never called with too many arguments. */
const PIECE_UNITS = 4096;

/** The bytes that a UTF-16 string of this many units can take at most. */
export const maxEncodedBytes = (unitCount: number): number => unitCount * 3;

/** Writes `text` at `offset` of `target`, which must have room for {@link maxEncodedBytes}; returns the offset after it. */
export function encodeInto(text: string, target: Uint8Array, offset: number): number {
  let at = offset;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      target[at++] = unit;
    } else if (unit < 0x800) {
      target[at++] = 0xc0 | (unit >> 6);
      target[at++] = 0x80 | (unit & 0x3f);
    } else {
      target[at++] = 0xe0 | (unit >> 12);
      target[at++] = 0x80 | ((unit >> 6) & 0x3f);
      target[at++] = 0x80 | (unit & 0x3f);
    }
  }
  return at;
}

/** The text of `text` alone, without a length before it. */
export function encodeUtf8(text: string): Uint8Array {
  const target = new Uint8Array(maxEncodedBytes(text.length));
  return target.slice(0, encodeInto(text, target, 0));
}

/** Reads `bytes` from `start` to `end`. What is no UTF-8 becomes U+FFFD, as in Java; nothing is ever thrown. */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  let pieceStart = start;
  while (pieceStart < end) {
    const pieceEnd = Math.min(end, pieceStart + PIECE_UNITS);
    if (!isAscii(bytes, pieceStart, pieceEnd)) return text + decodeMixed(bytes, pieceStart, end);
    text += asciiPiece(bytes, pieceStart, pieceEnd);
    pieceStart = pieceEnd;
  }
  return text;
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (byteAt(bytes, i) >= 0x80) return false;
  return true;
}

function asciiPiece(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(byteAt(bytes, i));
  return text;
}

function decodeMixed(bytes: Uint8Array, start: number, end: number): string {
  const units: string[] = [];
  let at = start;
  while (at < end) {
    const length = sequenceLength(bytes, at, end);
    units.push(length === 0 ? REPLACEMENT : String.fromCodePoint(codePoint(bytes, at, length)));
    at += Math.max(length, 1);
  }
  return joinSurrogates(units.join(''));
}

/** How many bytes the character at `at` has, or 0 if no character begins there. Surrogates count: they are CESU-8. */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = byteAt(bytes, at);
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > end) return 0;
  for (let i = at + 1; i < at + length; i++) if ((byteAt(bytes, i) & 0xc0) !== 0x80) return 0;
  const point = codePoint(bytes, at, length);
  const overlong = point < (length === 4 ? 0x10000 : length === 3 ? 0x800 : 0x80);
  return overlong || point > 0x10ffff ? 0 : length;
}

function codePoint(bytes: Uint8Array, at: number, length: number): number {
  const first = byteAt(bytes, at);
  if (length === 1) return first;
  let point = first & (0x7f >> length);
  for (let i = at + 1; i < at + length; i++) point = (point << 6) | (byteAt(bytes, i) & 0x3f);
  return point;
}

/** Two surrogates that follow each other are one character already; a single one is none. */
function joinSurrogates(text: string): string {
  return text.replace(LONE_SURROGATE, REPLACEMENT);
}

function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index];
  return byte === undefined ? 0 : byte;
}
