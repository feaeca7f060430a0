/** Three tabs form a quorum, and go on without one of them. */

import {
  closeTab,
  freeze,
  read,
  sees,
  servesWithout,
  serving,
  status,
  thaw,
  write,
} from '../../src/playwright/fixtures.ts';
import { expect, test } from './harness/servers.ts';

test('three tabs elect a leader and serve', async ({ openEnsemble }) => {
  const { tabs } = await openEnsemble();
  const all = await Promise.all(tabs.map(status));
  expect(all.map(({ state }) => state).sort()).toEqual(['FOLLOWING', 'FOLLOWING', 'LEADING']);
  expect(new Set(all.map(({ leader }) => leader)).size).toBe(1);
  expect(new Set(all.map(({ epoch }) => epoch)).size).toBe(1);
});

test('when the leader is closed the two left elect another, and its seat is kept for its return', async ({
  openEnsemble,
}) => {
  const ensemble = await openEnsemble(3);
  const former = await ensemble.closeLeader();
  await ensemble.waitForQuorum();
  expect(ensemble.tabs).toHaveLength(2);
  const [follower] = await ensemble.followers();
  if (follower === undefined) throw new Error('somebody follows');
  await write(follower, '/while', 'it was away');

  const back = await ensemble.reopen();
  expect(await status(back)).toMatchObject({ sid: former, state: 'FOLLOWING' });
  expect(await read(back, '/while')).toBe('it was away');
  await ensemble.waitForQuorum();
  expect(ensemble.tabs).toHaveLength(3);
});

test('a tab that crashes or is closed by the test itself is no longer one of the ensemble’s', async ({
  openEnsemble,
}) => {
  const ensemble = await openEnsemble(5);
  const crashed = await ensemble.crash();
  await Promise.all(ensemble.tabs.map((tab) => servesWithout(tab, crashed)));
  const [follower] = await ensemble.followers();
  if (follower === undefined) throw new Error('somebody follows');
  await closeTab(follower);
  await ensemble.waitForQuorum();
  expect(ensemble.tabs).toHaveLength(3);
  expect(ensemble.tabs).not.toContain(follower);
});

test('a leader that is frozen falls silent, is replaced, and follows when it thaws', async ({
  openEnsemble,
}) => {
  const ensemble = await openEnsemble(3);
  const frozen = await ensemble.leader();
  const { sid } = await status(frozen);
  const others = await ensemble.followers();
  await freeze(frozen);
  for (const tab of others) await servesWithout(tab, sid);
  for (const tab of others) await sees(tab, sid, 'silent');
  const leader = await ensemble.leader();
  expect(leader).not.toBe(frozen);
  await write(leader, '/while', 'it was frozen');

  await thaw(frozen);
  await expect
    .poll(async () => (await status(frozen)).state, { timeout: 60_000 })
    .toBe('FOLLOWING');
  await serving(frozen);
  expect(await read(frozen, '/while')).toBe('it was frozen');
  expect(await ensemble.leader()).toBe(leader);
  for (const tab of others) await sees(tab, sid, 'here');
});
