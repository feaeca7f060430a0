/**
 * Which sids a room has, and the one configuration all its servers share. Pure.
 *
 * Sids 1 to `servers` vote. The next {@link OBSERVER_SEAT_COUNT} are observers' seats, written into everybody's
 * configuration from the start although most stay empty: ZooKeeper's servers must agree on the member list, so a list
 * that grew with every visitor would need a reconfiguration, and a quorum, each time a tab is opened or closed. An empty
 * observer's seat costs nothing: nobody votes for it, waits for it or sends to it.
 */

export const OBSERVER_SEAT_COUNT = 32;

export type SeatType = 'participant' | 'observer';

export const highestSid = (servers: number): number => servers + OBSERVER_SEAT_COUNT;
export const seatType = (sid: number, servers: number): SeatType =>
  sid <= servers ? 'participant' : 'observer';

export function voterSids(servers: number): number[] {
  return Array.from({ length: servers }, (_, index) => index + 1);
}

export function observerSids(servers: number): number[] {
  return Array.from({ length: OBSERVER_SEAT_COUNT }, (_, index) => servers + index + 1);
}

/** The host of a server's address in the room's configuration: `tab-3`. */
export const hostOf = (sid: number): string => `tab-${sid}`;

/** The sid that an address `tab-3` or `tab-3:2888` names; null for any other text. */
export function sidOfAddress(address: string): number | null {
  const match = /^tab-([1-9][0-9]{0,2})(?::[0-9]{1,5})?$/.exec(address);
  return match?.[1] === undefined ? null : Number(match[1]);
}

/** ZooKeeper's own port numbers; in a room only the three doors they stand for matter. */
const QUORUM_PORT = 2888;
const ELECTION_PORT = 3888;
const CLIENT_PORT = 2181;

/** The room's members, as ZooKeeper writes a configuration: the same text on every server. */
export function roomMembers(servers: number): string {
  return [...voterSids(servers), ...observerSids(servers)]
    .map((member) => {
      const type = seatType(member, servers);
      return `server.${member}=${hostOf(member)}:${QUORUM_PORT}:${ELECTION_PORT}:${type};${CLIENT_PORT}\n`;
    })
    .join('');
}
