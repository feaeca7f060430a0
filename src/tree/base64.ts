/** Base64 of RFC 4648 with padding, for digest ids: `btoa` is no part of the language itself. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) text += group(bytes.subarray(at, at + 3));
  return text;
}

function group(bytes: Uint8Array): string {
  const [first = 0, second = 0, third = 0] = bytes;
  const bits = (first << 16) | (second << 8) | third;
  const digits = [18, 12, 6, 0].map((shift) => ALPHABET.charAt((bits >> shift) & 0x3f));
  return digits
    .slice(0, bytes.length + 1)
    .join('')
    .padEnd(4, '=');
}
