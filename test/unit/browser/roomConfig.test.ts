import { expect, it } from 'vitest';
import { roomConfig } from '../../../src/browser/roomConfig.ts';
import { OBSERVER_SEAT_COUNT, roomMembers } from '../../../src/room/seats.ts';

const configOf = (servers: number, sid: number) =>
  roomConfig({ sid, members: roomMembers(servers) }, true);

it('every server of a room has the same members: its voters, and the observers’ seats', () => {
  const { quorumVerifier } = configOf(5, 1);
  expect(quorumVerifier?.votingMembers.size).toBe(5);
  expect(quorumVerifier?.allMembers.size).toBe(5 + OBSERVER_SEAT_COUNT);
  expect(configOf(5, 7).quorumVerifier?.toString()).toBe(quorumVerifier?.toString());
});

it('a seat beyond the voters observes', () => {
  expect(configOf(3, 3).learnerType).toBe('participant');
  expect(configOf(3, 4).learnerType).toBe('observer');
});

it('a server that looks asks again within seconds, however long it has looked', () => {
  expect(configOf(3, 1).maxNotificationIntervalMs).toBeLessThanOrEqual(5_000);
});

it('a server answers the four-letter words that only read', () => {
  const { fourLetterWordWhitelist } = configOf(3, 1);
  expect(fourLetterWordWhitelist).toEqual(expect.arrayContaining(['ruok', 'mntr', 'stat']));
  expect(fourLetterWordWhitelist).not.toContain('crst');
  expect(fourLetterWordWhitelist).not.toContain('*');
});
