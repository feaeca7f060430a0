/**
 * What a page (the guest) and a tab say to each other before the guest is a client of the tab's server. The guest knocks:
 * it posts {@link Knock} and a message port to the tab's window. All else is said on that port: `HEARD`, `GO`, then `YES`
 * or a refusal; after `YES` the messages are a socket's (byteSocket.ts), and its bytes are ZooKeeper's client protocol.
 * The two may be of different builds, so whoever changes a word counts {@link GUEST_VERSION} up. No behaviour.
 */

export const GUEST_VERSION = 1;

export interface Knock {
  readonly tabkeeper: 'connect';
  readonly version: number;
}

/** The tab is there. A guest that hears nothing knocks again, with another port. */
export const HEARD = 'h';
/** The guest goes on with this port: nothing happens for those that it gave up. */
export const GO = 'g';
export const YES = 'y';
/** For good, and why. */
export const NO = 'n';
/** Not now, and why. */
export const BUSY = 'b';

/** The guest's version, or null for what is no knock. */
export function knockVersion(message: unknown): number | null {
  if (typeof message !== 'object' || message === null) return null;
  if (!('tabkeeper' in message) || message.tabkeeper !== 'connect') return null;
  return 'version' in message && typeof message.version === 'number' ? message.version : null;
}
