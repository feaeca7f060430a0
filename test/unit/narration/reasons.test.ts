import { beforeAll, describe, expect, it } from 'vitest';
import { type Explanation, Explainer } from '../../../src/narration/reasons.ts';
import type { ProbeRecord } from '../../../src/ports/probe.ts';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { recorded, wholeStory } from './simulatedStory.ts';

function explained(records: readonly ProbeRecord[]): Explanation[] {
  const explainer = new Explainer(3);
  return records.flatMap((record) => explainer.read(record) ?? []);
}

let story: readonly Explanation[] = [];
beforeAll(async () => {
  story = explained(await wholeStory());
});

const of = (sid: number, start: string): Explanation => {
  const found = story.find((each) => each.sid === sid && each.sentence.startsWith(start));
  if (found === undefined) {
    throw new Error(
      `server ${sid} never: ${start}\n${story.map((each) => each.sentence).join('\n')}`,
    );
  }
  return found;
};

describe('why, said of a simulated ensemble', () => {
  it('a vote wins: by which of the three numbers, and which message brought it', () => {
    const wins = of(1, 'Server 3 wins over');
    expect(wins.sentence).toMatch(
      /^Server 3 wins over [12]: same epoch 0, same zxid 0x0, higher id\.$/,
    );
    expect(wins.facts.map(({ label }) => label)).toEqual(['The vote it had', 'The better vote']);
    expect(wins.messages.map(({ event }) => event)).toMatchObject([
      { type: 'notificationReceived', peer: 3n },
    ]);
    expect(wins.source).toBe('FastLeaderElection.totalOrderPredicate');
    expect(wins.rule).toContain('epoch is newer');
  });

  it('a zxid wins over an id: who has more of the history leads', async () => {
    const ensemble = new Ensemble({ seed: 11, participantCount: 3 });
    const records = recorded(ensemble);
    ensemble.start(1, 2);
    await ensemble.untilServing(1, 2);
    ensemble.crash(1);
    ensemble.crash(2);
    ensemble.start(1, 3);
    await ensemble.untilServing(1, 3);
    expect(explained(records).map(({ sentence }) => sentence)).toContainEqual(
      expect.stringMatching(/^Server 1 wins over 3: epoch 1 is newer than 0\.$/),
    );
  });

  it('a quorum of votes: how many of how many, and for how long it is doubted', () => {
    expect(of(1, '2 of 3').sentence).toMatch(
      /^2 of 3 \(1, [23]\) vote for server 3: waits \d+ ms for a better vote\.$/,
    );
    expect(of(3, 'Leads: ').sentence).toMatch(/^Leads: [23] of 3 \([^)]*3\) voted for it\.$/);
  });

  it('how a learner is brought up to date, and by how much it was behind', () => {
    const chosen = of(3, 'Leader chose DIFF for server 1: 12');
    expect(chosen.sentence).toBe(
      'Leader chose DIFF for server 1: 12 transactions behind, all in the committed log.',
    );
    expect(chosen.facts).toHaveLength(4);
    expect(chosen.source).toBe('LearnerHandler.syncFollower');
    expect(chosen.messages.map(({ event }) => event.topic)).toEqual(['packet']);
  });

  it('a decision about history rests on packets: no vote stands for one that was not told', async () => {
    const votesOnly = (await wholeStory()).filter(({ event }) => event.topic !== 'packet');
    const chosen = explained(votesOnly).find(({ sentence }) => sentence.startsWith('Leader chose'));
    expect(chosen).toMatchObject({ messages: [], lacksPackets: true });
    expect(of(3, 'Leader chose DIFF for server 1: 12').lacksPackets).toBe(false);
  });

  it('a leader steps down: how many of how many were in sync, and since when not', async () => {
    const ensemble = new Ensemble({ seed: 5, participantCount: 3 });
    const records = recorded(ensemble);
    ensemble.startAll();
    const leader = Number(await ensemble.untilQuorum());
    ensemble.partition(
      [leader],
      [1, 2, 3].filter((sid) => sid !== leader),
    );
    await ensemble.until(
      () =>
        records.some(({ event }) => event.type === 'state' && event.cause.kind === 'steppedDown'),
      'the leader steps down',
    );
    expect(explained(records).map(({ sentence }) => sentence)).toContainEqual(
      `Steps down: only 1 of 3 in sync (${leader}); in sync is who is connected and was heard of within 5 ticks.`,
    );
  });

  it('no turn is left without its rule and the class that holds it', () => {
    const turns = story.filter(({ weight }) => weight === 'turn');
    expect(turns.length).toBeGreaterThan(8);
    for (const { rule, source, sentence } of turns) {
      expect(rule, sentence).not.toBe('');
      expect(source, sentence).toMatch(/^[A-Z]\w+\.\w+$/);
    }
  });
});
