/**
 * How each scheme of an access control list reads its ids (`server/auth`): digest and ip. `world` and `auth` need none.
 * Pure: a credential in, ids out.
 */

import { sha1 } from '@noble/hashes/legacy.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { Id } from '../wire/dataRecords.ts';
import { decodeUtf8 } from '../wire/utf8.ts';
import { base64 } from './base64.ts';

interface AuthenticationProvider {
  /** Somebody with such an id has proved who they are, so that `auth` means them. */
  readonly isAuthenticated: boolean;
  /** `id` may stand in a list. */
  isValid(id: string): boolean;
  /** Who has `id` is meant by `aclExpression` of a list. */
  matches(id: string, aclExpression: string): boolean;
}

const digestProvider: AuthenticationProvider = {
  isAuthenticated: true,
  isValid: (id) => splitLikeJava(id).length === 2,
  matches: (id, aclExpression) => id === aclExpression,
};

const ipProvider: AuthenticationProvider = {
  isAuthenticated: false,
  isValid: (id) => parseNetwork(id) !== null,
  matches: matchesNetwork,
};

const providers: ReadonlyMap<string, AuthenticationProvider> = new Map([
  ['digest', digestProvider],
  ['ip', ipProvider],
]);

/** Null for a scheme that this server does not know. */
export const authenticationProvider = (scheme: string): AuthenticationProvider | null =>
  providers.get(scheme) ?? null;

/** `user:base64(sha1("user:password"))`: the id that stands in lists (`DigestAuthenticationProvider.generateDigest`). */
export function generateDigest(idPassword: string): string {
  const colon = idPassword.indexOf(':');
  const user = colon === -1 ? idPassword : idPassword.slice(0, colon);
  return `${user}:${base64(sha1(utf8ToBytes(idPassword)))}`;
}

/**
 * The ids that the digest credential `user:password` proves. `superDigest` is the digest of the super user, who passes
 * every check, or null.
 */
export function digestIds(credential: Uint8Array, superDigest: string | null): readonly Id[] {
  const digest = generateDigest(decodeUtf8(credential));
  const own: Id = { scheme: 'digest', id: digest };
  return digest === superDigest ? [{ scheme: 'super', id: '' }, own] : [own];
}

/** Java's `split(":")`: empty parts at the end do not count. */
function splitLikeJava(id: string): string[] {
  return id.replace(/:+$/, '').split(':');
}

interface Network {
  /** Four bytes as one number. */
  readonly address: number;
  readonly bitCount: number;
}

const ADDRESS_BITS = 32;

function matchesNetwork(id: string, aclExpression: string): boolean {
  const network = parseNetwork(aclExpression);
  const address = parseAddress(id);
  if (network === null || address === null) return false;
  // A shift takes only five bits of its count, so 0 bits need a case of their own.
  const mask = network.bitCount === 0 ? 0 : -1 << (ADDRESS_BITS - network.bitCount);
  return (network.address & mask) === (address & mask);
}

/** `10.0.0.0/8`, or an address alone. */
function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/');
  const address = parseAddress(slash === -1 ? text : text.slice(0, slash));
  const bitCount = slash === -1 ? ADDRESS_BITS : parseUpTo(text.slice(slash + 1), ADDRESS_BITS);
  return address === null || bitCount === null ? null : { address, bitCount };
}

function parseAddress(text: string): number | null {
  const parts = text.split('.').map((part) => parseUpTo(part, 255));
  if (parts.length !== 4) return null;
  let address = 0;
  for (const part of parts) {
    if (part === null) return null;
    address = (address << 8) | part;
  }
  return address;
}

function parseUpTo(text: string, most: number): number | null {
  if (!/^\d{1,9}$/.test(text)) return null;
  const value = Number(text);
  return value <= most ? value : null;
}
