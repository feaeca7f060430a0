/** The inspector's table over the log of a real ZooKeeper: filters, keys, and only rows on the screen are made. */

import { expect, onTestFinished, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { InspectState } from '../../src/ui/inspect/inspectState.svelte.ts';
import TxnTable from '../../src/ui/inspect/TxnTable.svelte';
import log from '../golden/tree/log.100000001?url';
import { show } from './harness/shown.svelte.ts';

const rows = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[data-testid=txn]')];
const table = (): HTMLElement => page.getByTestId('txns').element() as HTMLElement;
const count = page.getByTestId('txn-count');

async function showLog() {
  const bytes = new Uint8Array(await (await fetch(log)).arrayBuffer());
  const inspect = new InspectState(
    () =>
      new Worker(new URL('../../src/ui/inspect/inspectWorker.ts', import.meta.url), {
        type: 'module',
      }),
  );
  onTestFinished(() => inspect.close());
  await inspect.read([{ path: 'log.100000001', bytes }]);
  const { phase } = inspect;
  if (phase.kind !== 'open') throw new Error(JSON.stringify(phase));
  show(TxnTable, { inspect, report: phase.report });
  await expect.poll(() => rows().length).toBeGreaterThan(0);
  return { inspect, total: phase.report.txnCount, types: phase.report.types };
}

test('tells how many transactions there are, and has rows for those on the screen', async () => {
  const { total } = await showLog();
  await expect.element(count).toHaveTextContent(`${total} of ${total}`);
  expect(table().getAttribute('aria-rowcount')).toBe(String(total));
  expect(rows()[0]?.getAttribute('aria-rowindex')).toBe('1');
  table().scrollTop = table().scrollHeight;
  await expect.poll(() => rows().at(-1)?.getAttribute('aria-rowindex')).toBe(String(total));
});

test('is filtered by type and by text', async () => {
  const { total, types } = await showLog();
  const creates = types.find(({ type }) => type === 'create')?.count ?? 0;
  expect(creates).toBeGreaterThan(0);
  await page.getByTestId('txn-type').selectOptions('create');
  await expect.element(count).toHaveTextContent(`${creates} of ${total}`);
  await expect
    .poll(() => rows().every((row) => row.querySelector('.type')?.textContent === 'create'))
    .toBe(true);
  await page.getByTestId('txn-filter').fill('no such path');
  await expect.element(count).toHaveTextContent(`0 of ${total}`);
  await expect.poll(() => rows().length).toBe(0);
});

test('is walked with the arrow keys, and the chosen row is told', async () => {
  const { inspect } = await showLog();
  table().focus();
  const press = async (key: string, index: number): Promise<void> => {
    await userEvent.keyboard(`{${key}}`);
    await expect.poll(() => inspect.detail?.row.index).toBe(index);
    await expect.poll(() => table().getAttribute('aria-activedescendant')).toBe(`txn:${index}`);
  };
  await press('ArrowDown', 0);
  await press('ArrowDown', 1);
  await press('ArrowUp', 0);
  expect(rows()[0]?.getAttribute('aria-selected')).toBe('true');
});

test('goes on from the chosen row, also when it is out of sight, and to both ends', async () => {
  const { inspect, total } = await showLog();
  table().focus();
  const press = async (key: string, index: number): Promise<void> => {
    await userEvent.keyboard(`{${key}}`);
    await expect.poll(() => inspect.detail?.row.index).toBe(index);
  };
  await press('End', total - 1);
  await expect.poll(() => rows().at(-1)?.getAttribute('aria-selected')).toBe('true');
  await press('ArrowDown', total - 1);
  await press('ArrowUp', total - 2);
  table().scrollTop = 0;
  await expect.poll(() => rows()[0]?.getAttribute('aria-rowindex')).toBe('1');
  await press('ArrowUp', total - 3);
  await press('Home', 0);
  await expect.poll(() => rows()[0]?.getAttribute('aria-selected')).toBe('true');
  await userEvent.keyboard('{PageDown}');
  await expect.poll(() => inspect.detail?.row.index).toBeGreaterThan(5);
});
