/** The console's line: what Tab completes, what the arrows bring back, and what a command prints. */

import { expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import ConsolePanel from '../../src/ui/console/ConsolePanel.svelte';
import type { ConsoleServer } from '../../src/ui/console/roomConsole.ts';
import { epoch, sid, zxid } from '../../src/wire/ids.ts';
import { show } from './harness/shown.svelte.ts';
import { liveServer } from './harness/simulated.ts';

const line = page.getByTestId('console-line');
const output = page.getByTestId('console-output');

/** A console beside a real server, which it knows as `tab-1`. */
async function showConsole(): Promise<void> {
  const { world, address } = await liveServer();
  const server: ConsoleServer = {
    status: () => ({
      sid: sid(1),
      state: 'LEADING',
      leader: sid(1),
      epoch: epoch(1n),
      zxid: zxid(0n),
      serving: true,
      servers: [sid(1)],
      stopped: null,
    }),
    members: () => [],
    clientWorld: {
      clock: world.clock,
      random: world.random,
      network: {
        listen: (...door) => world.network.listen(...door),
        connect: (_tab, port, handler) => world.network.connect(address, port, handler),
      },
    },
  };
  show(ConsolePanel, { server });
}

async function run(command: string): Promise<void> {
  await line.fill(command);
  await userEvent.keyboard('{Enter}');
  await expect.element(line).toHaveValue('');
}

test('says what it is for before anything is typed', async () => {
  await showConsole();
  await expect.element(output).toHaveTextContent('The commands of zkCli');
});

test('prints what was typed and what the server answered', async () => {
  await showConsole();
  await run('create /made data');
  await expect.element(output).toHaveTextContent('Created /made');
  await run('get /made');
  await expect.element(output).toHaveTextContent(/get \/made\s*data/);
  await run('get /none');
  await expect.element(output).toHaveTextContent('Node does not exist: /none');
});

test('Tab completes commands and paths as far as they are alike, and offers the rest', async () => {
  await showConsole();
  await run('create /app-one');
  await run('create /app-two');
  await expect.element(output).toHaveTextContent('Created /app-two');
  await line.fill('creat');
  await userEvent.keyboard('{Tab}');
  await expect.element(line).toHaveValue('create ');
  await line.fill('get /a');
  await userEvent.keyboard('{Tab}');
  await expect.element(line).toHaveValue('get /app-');
  await expect.element(page.getByTestId('console-offers')).toHaveTextContent('/app-one /app-two');
  await userEvent.keyboard('t{Tab}');
  await expect.element(line).toHaveValue('get /app-two');
  await expect.element(line).toHaveFocus();
});

test('an empty line leaves the Tab key to the page', async () => {
  await showConsole();
  await line.click();
  await userEvent.keyboard('{Tab}');
  await expect.element(page.getByRole('button', { name: 'Run' })).toHaveFocus();
});

test('the arrows bring back what was typed before, and beyond the last an empty line', async () => {
  await showConsole();
  await run('ls /');
  await expect.element(output).toHaveTextContent('[zookeeper]');
  await run('version');
  await line.click();
  const press = async (key: string, shown: string): Promise<void> => {
    await userEvent.keyboard(`{${key}}`);
    await expect.element(line).toHaveValue(shown);
  };
  await press('ArrowUp', 'version');
  await press('ArrowUp', 'ls /');
  await press('ArrowUp', 'ls /');
  await press('ArrowDown', 'version');
  await press('ArrowDown', '');
});
