/** A stranger's code over every entry of the package: `scripts/checkPackage.mjs` compiles it against the packed types. */

import {
  connect,
  CreateMode,
  ErrorCode,
  KeeperError,
  Op,
  type Stat,
  type WatchedEvent,
  ZooKeeper,
} from 'tabkeeper/client';
import {
  expect,
  freeze,
  read,
  sees,
  status,
  type TabEnsemble,
  test,
  thaw,
  write,
} from 'tabkeeper/playwright';
import { Ensemble, type ServerStatus } from 'tabkeeper/testing';

export async function useClient(connectString: string): Promise<Stat> {
  await using zk = await connect(connectString, { sessionTimeoutMs: 5_000 });
  zk.on('state', (state: string, reason: string) => console.log(state, reason));
  const path: string = await zk.create('/a', 'text', { mode: CreateMode.EPHEMERAL });
  const stat = await zk.exists(path, (event: WatchedEvent) => console.log(event.name));
  if (stat === null) throw new KeeperError(ErrorCode.NoNode, path);
  await zk.multi([Op.check(path), Op.setData(path, new Uint8Array([1]))]);
  const { data } = await zk.getData(path);
  const bytes: Uint8Array | null = data;
  console.log(bytes?.length);
  const lazy: ZooKeeper = new ZooKeeper('127.0.0.1:2181/app');
  await lazy.close();
  return stat;
}

export async function useEnsemble(): Promise<ServerStatus> {
  await using ensemble = await Ensemble.start({ servers: 3, settings: { snapCount: 100 } });
  const leader: number = await ensemble.leader();
  ensemble.partition([leader]);
  ensemble.heal();
  await ensemble.kill(leader);
  await ensemble.restart(leader);
  await ensemble.waitForServing();
  return ensemble.status(leader);
}

test.use({ tabkeeperEmbedders: ['http://127.0.0.1:3000'] });

test('a room of tabs', async ({ openEnsemble, page, tabkeeperUrl }) => {
  const ensemble: TabEnsemble = await openEnsemble(3);
  const leader = await ensemble.leader();
  await write(leader, '/a', 'text');
  expect(await read(leader, '/a')).toBe('text');
  const [follower] = await ensemble.followers();
  if (follower === undefined) throw new Error('three tabs, and nobody follows');
  const { sid: frozen } = await status(follower);
  await freeze(follower);
  await sees(leader, frozen, 'silent');
  await thaw(follower);
  await page.goto(tabkeeperUrl);
  const sid: number | undefined = await leader.evaluate(() => window.tabkeeper?.status().sid);
  console.log(sid);
});

// @ts-expect-error The types are there and say so: a server's number is a number.
export const wrong = (ensemble: Ensemble): Promise<void> => ensemble.kill('1');
