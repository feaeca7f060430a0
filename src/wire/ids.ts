/**
 * The 64-bit numbers ZooKeeper names things by, as branded bigints so that one cannot be passed for another.
 * All are signed on the wire; a zxid is `epoch << 32 | counter`.
 */

export type Zxid = bigint & { readonly brand: 'Zxid' };
export type Sid = bigint & { readonly brand: 'Sid' };
export type SessionId = bigint & { readonly brand: 'SessionId' };
/** The high half of a zxid: which leader's reign a transaction belongs to (an unsigned 32-bit number, as a bigint). */
export type Epoch = bigint & { readonly brand: 'Epoch' };

export const zxid = (value: bigint): Zxid => value as Zxid;
export const sid = (value: bigint | number): Sid => BigInt(value) as Sid;
export const sessionId = (value: bigint): SessionId => value as SessionId;
export const epoch = (value: bigint | number): Epoch => BigInt(value) as Epoch;

const COUNTER_MASK = 0xffffffffn;

export const makeZxid = (of: Epoch, counter: bigint): Zxid =>
  BigInt.asIntN(64, (of << 32n) | (counter & COUNTER_MASK)) as Zxid;
export const epochOf = (value: Zxid): Epoch => (value >> 32n) as Epoch;
export const counterOf = (value: Zxid): bigint => value & COUNTER_MASK;
/** The server that a session was begun at: ZooKeeper puts the low byte of its id on top of the session's. */
export const sidOfSession = (id: bigint): Sid => sid(BigInt.asUintN(64, id) >> 56n);
/** ZooKeeper's way to print a zxid: `0x` and lower-case hex. */
export const zxidToString = (value: Zxid): string => `0x${BigInt.asUintN(64, value).toString(16)}`;
/** Reads what {@link zxidToString} prints. */
export const parseZxid = (text: string): Zxid => zxid(BigInt.asIntN(64, BigInt(text)));
