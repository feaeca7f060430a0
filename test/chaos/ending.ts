/** After the last fault: everybody must serve again, and what all servers hold must be what the clients were promised. */

import type { SessionSight } from './inPageEnding.ts';
import { sight, survey } from './inPageEnding.ts';
import type { ChaosTab } from './chaosTab.ts';
import type { ChaosTabs } from './chaosTabs.ts';
import { until } from './until.ts';
import type { History } from './history.ts';
import { judgeTrees } from './finalTrees.ts';
import { perform } from './inPage.ts';
import { ROOT } from './writers.ts';

/** Longer than any election takes on a busy machine. */
const QUORUM_WITHIN_MS = 60_000;
/** A session's timeout is 10 s; a new leader gives every session all of it once more. */
const EXPIRY_WITHIN_MS = 60_000;

/** Answers how long it took after the last fault until a quorum served, and until everybody did. */
export async function recover(
  tabs: ChaosTabs,
  voterCount: number,
): Promise<{ quorumMs: number; allMs: number }> {
  const beganMs = performance.now();
  await until('a quorum serves', QUORUM_WITHIN_MS, async () => {
    const seen = await Promise.all(tabs.healthy.map(look));
    const serving = seen.filter((one) => one.serving && one.sid <= voterCount);
    return serving.length > voterCount / 2;
  });
  const quorumMs = performance.now() - beganMs;
  await until('every voter has a tab again', QUORUM_WITHIN_MS, async () => {
    const seen = await Promise.all(tabs.healthy.map(look));
    const missing = voterCount - seen.filter(({ sid }) => sid <= voterCount).length;
    for (let count = 0; count < missing; count++) {
      const tab = await tabs.open();
      await until('a new tab has a seat', QUORUM_WITHIN_MS, async () => (await look(tab)).sid > 0);
    }
    return missing <= 0;
  });
  await until('all serve under one leader', QUORUM_WITHIN_MS, async () => {
    const seen = await Promise.all(tabs.all.map(look));
    return (
      seen.every(({ serving, connected }) => serving && connected) &&
      new Set(seen.map(({ leader, epoch }) => `${leader} ${epoch}`)).size === 1
    );
  });
  return { quorumMs, allMs: performance.now() - beganMs };
}

/** The last word on every node that was written to again and again, for the history. */
export async function readRegisters(
  tabs: ChaosTabs,
  history: History,
  nowMs: () => number,
): Promise<void> {
  const { all } = tabs;
  for (const [index, path] of [...history.registers].entries()) {
    const tab = all[index % all.length];
    if (tab === undefined) throw new Error('no tab is open');
    const input = { kind: 'read' } as const;
    const call = history.called(
      { kind: 'register', path, input, synced: true },
      `end in ${tab.name}`,
      nowMs(),
    );
    const told = await tab.ask(perform, call.task);
    if (told === null) throw new Error(`${tab.name} no longer serves`);
    history.returned(call, told, nowMs());
  }
}

/** What is not as it was promised, in words. */
export async function compare(tabs: ChaosTabs, history: History): Promise<readonly string[]> {
  const { all } = tabs;
  const sights = await Promise.all(all.map(look));
  const living = new Set(sights.map(({ session }) => session));
  const [first] = all;
  if (first === undefined) return ['no tab is open'];
  await until('ephemeral nodes go with their sessions', EXPIRY_WITHIN_MS, async () => {
    const nodes = await first.ask(survey, `${ROOT}/here`);
    return Object.values(nodes).every(({ owner }) => owner === '0' || living.has(owner));
  });
  const surveys = await Promise.all(all.map((tab) => tab.ask(survey, '/')));
  const wrong = sights.flatMap(({ problems }, index) =>
    problems.map((problem) => `${all[index]?.name}: ${problem}`),
  );
  const held = surveys.map((nodes, index) => ({ by: all[index]?.name ?? '', nodes }));
  return [...wrong, ...judgeTrees(held, history, living)];
}

const NOT_THERE: SessionSight = {
  sid: 0,
  serving: false,
  connected: false,
  leader: null,
  epoch: 0,
  session: '',
  problems: [],
};

const look = (tab: ChaosTab): Promise<SessionSight> => tab.ask(sight, null).catch(() => NOT_THERE);
