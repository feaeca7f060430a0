/** The sequence, where it is scrolled to: its canvas is drawn for who sees it, and its words for everybody. */

import { expect, test } from 'vitest';
import { page } from 'vitest/browser';
import SequenceView from '../../src/ui/sequence/SequenceView.svelte';
import { drawn, show } from './harness/shown.svelte.ts';
import { electionOfThree } from './harness/simulated.ts';
import { ToldStage } from './harness/toldStage.ts';

const PATIENCE = { timeout: 20_000 };

/** Pixels of the canvas that anything is drawn in. */
function drawnCount(): number {
  const canvas = document.querySelector('canvas');
  const context = canvas?.getContext('2d');
  if (!canvas || !context || canvas.width === 0) return 0;
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 0) count++;
  return count;
}

test('below the screen it counts what came, and is drawn as it is now when it comes to the screen', async () => {
  const told = await ToldStage.listening();
  const { host } = show(SequenceView, { stage: told.stage });
  host.style.paddingTop = '300vh';
  await drawn();
  await drawn();
  await told.tell(await electionOfThree());
  const count = page.getByTestId('sequence-count');
  await expect.poll(() => count.element().textContent, PATIENCE).toMatch(/^\s*[1-9]\d* of/);
  await drawn();
  expect(drawnCount()).toBe(0);
  count.element().scrollIntoView();
  await expect.poll(drawnCount, PATIENCE).toBeGreaterThan(1_000);
});
