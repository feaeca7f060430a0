/** What a node's `ephemeralOwner` says: nothing, a session, a container or a time to live (`EphemeralType`). */

/** The owner that marks a container node. */
export const CONTAINER_EPHEMERAL_OWNER = -(1n << 63n);
/** About 34 years: five bytes of milliseconds. */
const MAX_TTL_MS = (1n << 40n) - 1n;

/** The top byte of an owner that is no session, and the two bytes that say which feature it is: 0 is a TTL. */
const EXTENDED_MASK = 0xff00_0000_0000_0000n;
const RESERVED_BITS_MASK = 0x00ff_ff00_0000_0000n;

/** `VOID`: not owned. `NORMAL`: the ephemeral node of a session. */
export type EphemeralType = 'VOID' | 'NORMAL' | 'CONTAINER' | 'TTL';

/** TTL nodes are known only where `extendedTypesEnabled` is on; elsewhere such an owner is a session like any other. */
export function ephemeralTypeOf(owner: bigint, extendedTypesEnabled: boolean): EphemeralType {
  if (owner === 0n) return 'VOID';
  if (owner === CONTAINER_EPHEMERAL_OWNER) return 'CONTAINER';
  if (!extendedTypesEnabled) return 'NORMAL';
  return isTTLOwner(BigInt.asUintN(64, owner)) ? 'TTL' : 'NORMAL';
}

const isTTLOwner = (owner: bigint): boolean =>
  (owner & EXTENDED_MASK) === EXTENDED_MASK && (owner & RESERVED_BITS_MASK) === 0n;

/** True if a node may live for `ttlMs` milliseconds. */
export const isValidTTL = (ttlMs: bigint): boolean => ttlMs > 0n && ttlMs <= MAX_TTL_MS;

/** The owner of a node that lives for `ttlMs`, which {@link isValidTTL}. */
export const ttlToEphemeralOwner = (ttlMs: bigint): bigint =>
  BigInt.asIntN(64, EXTENDED_MASK | ttlMs);

/** The milliseconds in a TTL node's owner. */
export const ttlOfEphemeralOwner = (owner: bigint): bigint => owner & MAX_TTL_MS;
