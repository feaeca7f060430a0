/**
 * What signalling carries, sealed with the room's key (XChaCha20-Poly1305): a relay learns that somebody talks, never
 * what, and cannot change, forge or move a message to another room. Works where a page has no `crypto.subtle`. Pure.
 */

import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Random } from '../ports/random.ts';
import { toHex } from './encoding.ts';

const VERSION = 1;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
/** An SDP is 1-2 KB; nothing in a room comes near this. */
const MAX_SEALED_BYTES = 64 * 1024;

const SALT = utf8('tabkeeper/1');

export class Sealer {
  readonly #key: Uint8Array;
  readonly #context: Uint8Array;
  readonly #random: Random;
  /** What relays and channels call the room: from the key, so that only those with the link can listen at the door. */
  readonly relayName: string;

  constructor(room: string, linkKey: Uint8Array, random: Random) {
    this.#random = random;
    this.#key = hkdf(sha256, linkKey, SALT, utf8(`seal ${room}`), 32);
    this.#context = utf8(`tabkeeper/1 room ${room}`);
    this.relayName = toHex(hkdf(sha256, linkKey, SALT, utf8(`relay ${room}`), 16));
  }

  /** version (1), nonce (24), ciphertext and tag. */
  seal(text: string): Uint8Array {
    const nonce = this.#random.bytes(NONCE_BYTES);
    const sealed = xchacha20poly1305(this.#key, nonce, this.#context).encrypt(utf8(text));
    const message = new Uint8Array(1 + NONCE_BYTES + sealed.length);
    message[0] = VERSION;
    message.set(nonce, 1);
    message.set(sealed, 1 + NONCE_BYTES);
    return message;
  }

  /** Null for whatever was not sealed with this room's key, or is damaged or too large. */
  open(message: Uint8Array): string | null {
    if (message.length > MAX_SEALED_BYTES) return null;
    if (message.length < 1 + NONCE_BYTES + TAG_BYTES || message[0] !== VERSION) return null;
    const nonce = message.subarray(1, 1 + NONCE_BYTES);
    const cipher = xchacha20poly1305(this.#key, nonce, this.#context);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(
        cipher.decrypt(message.subarray(1 + NONCE_BYTES)),
      );
    } catch {
      // A wrong tag is the expected answer to a stranger's message; there is nothing more to say about it.
      return null;
    }
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
