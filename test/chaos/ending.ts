/** After the last fault: everybody must serve again, and what all servers hold must be what the clients were promised. */

import type { SessionSight } from './inPageEnding.ts';
import { sight, survey } from './inPageEnding.ts';
import type { ChaosTab } from './chaosTab.ts';
import type { ChaosTabs } from './chaosTabs.ts';
import { until } from './until.ts';
import type { History } from './history.ts';
import { judgeTrees } from './finalTrees.ts';
import { perform } from './inPage.ts';

/** Longer than any election takes; this and the others in the time of a quick machine. */
const QUORUM_WITHIN_MS = 60_000;
/** A session's timeout is 10 s; a new leader gives every session all of it once more. */
const ONE_TREE_WITHIN_MS = 60_000;
const READ_WITHIN_MS = 60_000;

/** Answers how long it took after the last fault until a quorum served, and until everybody did. */
export async function recover(
  tabs: ChaosTabs,
  voterCount: number,
): Promise<{ quorumMs: number; allMs: number }> {
  const { pulse } = tabs;
  const beganMs = performance.now();
  const quorumServes = async (): Promise<boolean> => {
    const seen = await Promise.all(tabs.healthy.map(look));
    const serving = seen.filter((one) => one.serving && one.sid <= voterCount);
    return serving.length > voterCount / 2;
  };
  await until('a quorum serves', QUORUM_WITHIN_MS, quorumServes, pulse);
  const quorumMs = performance.now() - beganMs;
  const seatsAreTaken = async (): Promise<boolean> => {
    const seen = await Promise.all(tabs.healthy.map(look));
    const missing = voterCount - seen.filter(({ sid }) => sid <= voterCount).length;
    for (let count = 0; count < missing; count++) {
      const tab = await tabs.open();
      const isSeated = async (): Promise<boolean> => (await look(tab)).sid > 0;
      await until('a new tab has a seat', QUORUM_WITHIN_MS, isSeated, pulse);
    }
    return missing <= 0;
  };
  await until('every voter has a tab again', QUORUM_WITHIN_MS, seatsAreTaken, pulse);
  const allServe = async (): Promise<boolean> => {
    const seen = await Promise.all(tabs.all.map(look));
    return (
      seen.every(({ serving, connected }) => serving && connected) &&
      new Set(seen.map(({ leader, epoch }) => `${leader} ${epoch}`)).size === 1
    );
  };
  await until('all serve under one leader', QUORUM_WITHIN_MS, allServe, pulse);
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
    const isRead = (): Promise<boolean> => readRegister(tab, path, history, nowMs);
    await until(`${path} is read`, READ_WITHIN_MS, isRead, tabs.pulse);
  }
}

/** False where it has to be asked once more: a busy machine may have taken the tab its leader. */
async function readRegister(
  tab: ChaosTab,
  path: string,
  history: History,
  nowMs: () => number,
): Promise<boolean> {
  const task = { kind: 'register', path, input: { kind: 'read' }, synced: true } as const;
  const call = history.called(task, `end in ${tab.name}`, nowMs());
  try {
    const told = await tab.ask(perform, task);
    if (told === null) history.withdrawn(call);
    else history.returned(call, told, nowMs());
    return told !== null;
  } catch (error) {
    history.returned(call, null, nowMs());
    throw error;
  }
}

/** What is not as it was promised, in words. */
export async function compare(tabs: ChaosTabs, history: History): Promise<readonly string[]> {
  const { all } = tabs;
  let wrong: readonly string[] = ['nobody could be asked for its tree'];
  // A session that is not renewed in time ends while they are asked: then they are asked once more.
  const isRight = async (): Promise<boolean> => {
    const held = await Promise.all(
      all.map(async (tab) => ({ by: tab.name, nodes: await tab.ask(survey, '/') })),
    );
    const living = new Set((await Promise.all(all.map(look))).map(({ session }) => session));
    wrong = judgeTrees(held, history, living);
    return wrong.length === 0;
  };
  const trees = await until('all have one tree', ONE_TREE_WITHIN_MS, isRight, tabs.pulse).then(
    () => [],
    () => wrong,
  );
  const sights = await Promise.all(all.map(look));
  const told = sights.flatMap(({ problems }, index) =>
    problems.map((problem) => `${all[index]?.name}: ${problem}`),
  );
  return [...told, ...trees];
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
