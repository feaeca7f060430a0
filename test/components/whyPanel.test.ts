/** Why: what just happened in one sentence, and the reasons before it, each with what it rests on. */

import { expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import WhyPanel from '../../src/ui/stage/WhyPanel.svelte';
import type { ProbeRecord } from '../../src/ports/probe.ts';
import { sid } from '../../src/wire/ids.ts';
import { show } from './harness/shown.svelte.ts';
import { electionOfThree } from './harness/simulated.ts';
import { ToldStage } from './harness/toldStage.ts';

const sentences = (): HTMLElement[] => [...document.querySelectorAll('summary')];
const tabStops = (): HTMLElement[] => sentences().filter(({ tabIndex }) => tabIndex === 0);

async function showElection(): Promise<ToldStage> {
  const told = await ToldStage.listening();
  show(WhyPanel, { stage: told.stage });
  await told.tell(await electionOfThree());
  await expect.poll(() => sentences().length).toBeGreaterThan(5);
  return told;
}

test('nothing has happened yet: it says so', async () => {
  const { stage } = await ToldStage.listening();
  show(WhyPanel, { stage });
  await expect.element(page.getByTestId('why-now')).toHaveTextContent('Nothing has happened yet');
  expect(sentences()).toEqual([]);
});

test('the newest reason comes first, and the headline is what decided how things go on', async () => {
  const { stage } = await showElection();
  const told = stage.explanations.filter(({ weight }) => weight !== 'detail');
  expect(sentences()).toHaveLength(told.length);
  expect(sentences()[0]?.textContent).toContain(told.at(-1)?.sentence);
  expect(sentences().at(-1)?.textContent).toContain(told[0]?.sentence);
  await expect.element(page.getByTestId('why-now')).toHaveTextContent(/^Server \d /);
});

test('who went silent and came back is no headline any more', async () => {
  const told = await showElection();
  const headline = page.getByTestId('why-now');
  const decided = headline.element().textContent;
  const presence = (state: 'silent' | 'here', timeMs: number): ProbeRecord => ({
    sid: sid(1),
    timeMs,
    wallTimeMs: timeMs,
    sequence: 1_000_000 + timeMs,
    event: { topic: 'room', type: 'presence', peer: sid(2), state },
  });
  told.nowMs = 60_000;
  await told.tell([presence('silent', 60_000)]);
  await expect.element(headline).toHaveTextContent('Server 1 sees Server 2 has gone silent.');
  await told.tell([presence('here', 60_001)]);
  await expect.poll(() => headline.element().textContent).toBe(decided);
});

test('a sentence opens the votes it rests on, the rule, and where ZooKeeper has it', async () => {
  await showElection();
  const better = page.getByTestId('reason').filter({ hasText: 'higher id' }).first();
  await better
    .getByText(/higher id/)
    .first()
    .click();
  await expect.element(better.getByText('The better vote')).toBeVisible();
  await expect
    .element(better.getByText(/^Server \d, LOOKING, round 1: votes for \d/).first())
    .toBeVisible();
  await expect
    .element(better.getByTestId('source'))
    .toHaveTextContent('FastLeaderElection.totalOrderPredicate');
});

test('how a follower is brought up to date opens both zxids, the packet that told of them, and the rule', async () => {
  await showElection();
  const chosen = page
    .getByTestId('reason')
    .filter({ hasText: 'Leader chose DIFF for server' })
    .first();
  await chosen.getByText('Leader chose DIFF').click();
  await expect.element(chosen.getByText(/^Server \d is at$/)).toBeVisible();
  await expect.element(chosen.getByText('Its committed log holds')).toBeVisible();
  await expect.element(chosen.getByText(/^ACKEPOCH of server \d, zxid 0x0$/)).toBeVisible();
  await expect.element(chosen.getByText('The rule.')).toBeVisible();
  await expect
    .element(chosen.getByTestId('source'))
    .toHaveTextContent('LearnerHandler.syncFollower');
});

test('all sentences are one stop of the Tab key, which stays where one was', async () => {
  const told = await showElection();
  expect(tabStops()).toEqual(sentences().slice(0, 1));
  sentences()[0]?.focus();
  await userEvent.keyboard('{ArrowDown}{ArrowDown}');
  const third = sentences()[2];
  expect(document.activeElement).toBe(third);
  expect(tabStops()).toEqual([third]);
  await userEvent.keyboard('{End}');
  expect(document.activeElement).toBe(sentences().at(-1));
  await userEvent.keyboard('{Home}{ArrowUp}{ArrowDown}{Enter}');
  const second = sentences()[1];
  expect(second?.closest('details')?.open).toBe(true);

  // Something new on top does not take it away.
  const [newest] = told.stage.explanations.slice(-1);
  if (newest === undefined) throw new Error('there is no reason');
  const later = newest.record.timeMs + 1;
  await told.tell([{ ...newest.record, timeMs: later, sequence: newest.record.sequence + 1 }]);
  await expect.poll(() => sentences()[2] === second).toBe(true);
  expect(document.activeElement).toBe(second);
  expect(tabStops()).toEqual([second]);
});
