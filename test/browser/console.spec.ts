/** What a person does in the console: type, complete, look back, and read what zkCli would say. */

import type { Page } from '@playwright/test';
import { openRoom, read } from './harness/ensemble.ts';
import { expect, test } from './harness/servers.ts';

test('commands are typed, completed and recalled', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await page.bringToFront();
  const line = page.getByTestId('console-line');
  const output = page.getByTestId('console-output');
  await line.fill('create /colour "deep blue"');
  await line.press('Enter');
  await expect(output).toContainText('Created /colour');
  expect(await read(page, '/colour')).toBe('deep blue');

  await line.fill('get /col');
  await line.press('Tab');
  await expect(line).toHaveValue('get /colour');
  await line.press('Enter');
  await expect(output).toContainText('deep blue');

  await line.press('ArrowUp');
  await line.press('ArrowUp');
  await expect(line).toHaveValue('create /colour "deep blue"');
  await line.press('Enter');
  await expect(output).toContainText('Node already exists: /colour');

  await line.fill('ge');
  await line.press('Tab');
  await expect(page.getByTestId('console-offers')).toContainText('getEphemerals');
});

test('quota, config, watches, access lists, history and redo are there as in zkCli', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await page.bringToFront();
  const line = page.getByTestId('console-line');
  const output = page.getByTestId('console-output');
  const run = async (text: string, printed: RegExp | string): Promise<void> => {
    await line.fill(text);
    await line.press('Enter');
    await expect(output).toContainText(printed);
  };
  await run('create /app data', 'Created /app');
  await run('setquota -n 5 /app', 'setquota -n 5 /app');
  await run('listquota /app', /Output quota for \/app count=5/);
  await run('config', 'server.1=');
  await run('getAcl /app', "'world,'anyone");
  await run('setAcl /app world:anyone:cdrw', 'setAcl /app');
  await run('getAcl -s /app', /: cdrw\s*cZxid/);
  await run('addWatch /app', 'addWatch /app');
  await run('set /app other', /WatchedEvent state:SyncConnected type:NodeDataChanged path:\/app/);
  await run('sync /app', 'Sync is OK');
  await run('stat /app', 'dataVersion = 1');
  await run('create -e -s /app/n- x', /Created \/app\/n-\d{10}/);
  await run('deleteall /app/none', 'Node does not exist: /app/none');
  await run('history', /3 - config/);
  await run('redo 12', /redo 12[^]*Node does not exist: \/app\/none/);
  await run('help', 'getAllChildrenNumber path');
  await run('deleteall /app', 'deleteall /app');
  await expect.poll(() => read(page, '/app')).toBeNull();
});

test('a console moves between the servers of the room, and asks each of them its words', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl, 3);
  const [page] = pages as [Page];
  await page.bringToFront();
  const line = page.getByTestId('console-line');
  const output = page.getByTestId('console-output');
  const run = async (text: string): Promise<void> => {
    await line.fill(text);
    await line.press('Enter');
  };
  await run('4lw srvr all');
  await expect(output.getByText(/^Mode: (leader|follower)$/)).toHaveCount(3);
  for (const sid of [1, 2, 3]) await expect(output).toContainText(`tab-${sid}:2181:`);

  await run('create -e /mine');
  await expect(output).toContainText('Created /mine');
  await run('connect tab-2:2181');
  await run('ls /');
  await expect(output).toContainText('[zookeeper]');
  await run('echo cons | nc tab-2 2181');
  await expect(output).toContainText('[zk: tab-2:2181(CONNECTED)');
  await expect(output).toContainText('lop=');

  await run('connect example.org:2181');
  await expect(output).toContainText('is no server of a room');
});
