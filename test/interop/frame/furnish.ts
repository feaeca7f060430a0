/** Fills a tree with one of everything that a znode can be, so that whoever reads it back has much to get wrong. */

import { createHash } from 'node:crypto';
import { Op, type ZooKeeper } from '../../../src/client/zooKeeper.ts';
import { CreateMode } from '../../../src/wire/createModes.ts';
import { type ACL, Perms } from '../../../src/wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../../../src/wire/errorCodes.ts';

const HOUR_MS = 3_600_000;
const CHILD_COUNT = 20;

/** Needs `extendedTypesEnabled=true`. The ephemeral nodes belong to the client's session. */
export async function furnish(client: ZooKeeper, root: string): Promise<void> {
  await client.create(root, 'root of it all');
  await plainNodes(client, root);
  await specialNodes(client, root);
  await accessLists(client, root);
  await transactions(client, root);
}

async function plainNodes(client: ZooKeeper, root: string): Promise<void> {
  await client.create(`${root}/null`, null);
  await client.create(`${root}/empty`, '');
  await client.create(`${root}/grüße-日本`, 'Grüße');
  await client.create(
    `${root}/binary`,
    Uint8Array.from({ length: 256 }, (_, i) => i),
  );
  await client.create(`${root}/large`, 'x'.repeat(100_000));
  await client.create(`${root}/parent`, 'p');
  for (let i = 0; i < CHILD_COUNT; i++) await client.create(`${root}/parent/child${i}`, `${i}`);
  for (let i = 0; i < CHILD_COUNT; i += 3) await client.delete(`${root}/parent/child${i}`);
  for (let i = 0; i < 3; i++) await client.setData(`${root}/parent`, `version ${i}`, i);
  await refused(() => client.setData(`${root}/parent`, 'wrong version', 77));
}

async function specialNodes(client: ZooKeeper, root: string): Promise<void> {
  const modes = [
    CreateMode.EPHEMERAL,
    CreateMode.PERSISTENT_SEQUENTIAL,
    CreateMode.EPHEMERAL_SEQUENTIAL,
    CreateMode.CONTAINER,
    CreateMode.PERSISTENT_WITH_TTL,
    CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL,
  ];
  for (const mode of modes) {
    await client.create(`${root}/mode${mode}-`, `mode ${mode}`, { mode, ttlMs: HOUR_MS });
  }
  await client.create(`${root}/mode${CreateMode.CONTAINER}-/kept`, 'so that it is not emptied');
}

async function accessLists(client: ZooKeeper, root: string): Promise<void> {
  const hash = createHash('sha1').update('alice:secret').digest('base64');
  const acl: readonly ACL[] = [
    { perms: Perms.ALL, id: { scheme: 'digest', id: `alice:${hash}` } },
    { perms: Perms.READ, id: { scheme: 'world', id: 'anyone' } },
    { perms: Perms.READ + Perms.WRITE, id: { scheme: 'ip', id: '192.0.2.0/24' } },
  ];
  await client.create(`${root}/restricted`, 'r', { acl });
  await client.create(`${root}/restricted-later`, 'r');
  await client.setACL(`${root}/restricted-later`, acl);
}

async function transactions(client: ZooKeeper, root: string): Promise<void> {
  await client.multi([
    Op.create(`${root}/multi`, 'm'),
    Op.create(`${root}/multi/a`, 'a'),
    Op.setData(`${root}/multi/a`, 'b'),
    Op.create(`${root}/multi/gone`, 'g'),
    Op.delete(`${root}/multi/gone`),
    Op.check(`${root}/multi`),
  ]);
  await refused(() =>
    client.multi([Op.setData(`${root}/multi`, 'never'), Op.delete(`${root}/multi/missing`)]),
  );
}

/** Failed writes are in the log too. */
async function refused(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof KeeperError && error.code !== ErrorCode.ConnectionLoss) return;
    throw error;
  }
  throw new Error('this write should have been refused');
}
