/**
 * The password that goes with a session id. Every server of an ensemble computes the same one, so that a client can
 * attach its session anywhere; it is a check value, not a secret (`ZooKeeperServer.generatePasswd`).
 */

import { PASSWORD_BYTES } from '../wire/connectRecords.ts';
import type { SessionId } from '../wire/ids.ts';

/** ZooKeeper's `superSecret`. */
const SECRET = 0xb3415c00n;

// java.util.Random: a linear congruential generator of 48 bits.
const MULTIPLIER = 0x5deece66dn;
const INCREMENT = 0xbn;
const MASK = (1n << 48n) - 1n;

/** The first 16 bytes of `new java.util.Random(id ^ secret)`: four ints, each from its lowest byte up. */
export function generatePassword(sessionId: SessionId): Uint8Array {
  const password = new Uint8Array(PASSWORD_BYTES);
  const view = new DataView(password.buffer);
  let state = (sessionId ^ SECRET ^ MULTIPLIER) & MASK;
  for (let offset = 0; offset < PASSWORD_BYTES; offset += 4) {
    state = (state * MULTIPLIER + INCREMENT) & MASK;
    view.setUint32(offset, Number(state >> 16n), true);
  }
  return password;
}

/** Session 0 is nobody's and has no password. */
export function checkPassword(sessionId: SessionId, password: Uint8Array): boolean {
  if (sessionId === 0n || password.length !== PASSWORD_BYTES) return false;
  return generatePassword(sessionId).every((byte, index) => byte === password[index]);
}
