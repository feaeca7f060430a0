/** The ring: what each server is, a wait that runs out, a message on its way; and all of it without motion. */

import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { cdp, page } from 'vitest/browser';
import type { ProbeRecord } from '../../src/ports/probe.ts';
import type { Member } from '../../src/room/admin.ts';
import EnsembleRing from '../../src/ui/stage/EnsembleRing.svelte';
import { sid, zxid } from '../../src/wire/ids.ts';
import { drawn, show } from './harness/shown.svelte.ts';
import { electionOfThree } from './harness/simulated.ts';
import { ToldStage } from './harness/toldStage.ts';

const MEMBERS: readonly Member[] = [1, 2, 3].map((number) => ({
  sid: sid(number),
  kind: 'participant',
  isSelf: number === 1,
  disk: 'here',
  presence: 'here',
  state: 'LOOKING',
  serving: false,
  zxid: null,
  link: number === 1 ? null : { state: 'up', via: number === 2 ? 'webrtc' : 'broadcast' },
}));

const PATIENCE = { timeout: 20_000 };

async function showRing(members = MEMBERS) {
  const told = await ToldStage.listening();
  const { change } = show(EnsembleRing, { stage: told.stage, members, voterCount: 3 });
  await drawn();
  return { told, change };
}

/** The clock that the flights go by, which stands until the test sets it. */
function frameClock(): { nowMs: number } {
  const clock = { nowMs: 1_000 };
  vi.spyOn(performance, 'now').mockImplementation(() => clock.nowMs);
  return clock;
}

const lessMotion = (wanted: boolean): Promise<unknown> =>
  cdp().send('Emulation.setEmulatedMedia', {
    features: [{ name: 'prefers-reduced-motion', value: wanted ? 'reduce' : 'no-preference' }],
  });

afterEach(async () => {
  vi.restoreAllMocks();
  await lessMotion(false);
});

const arc = (): SVGPathElement | null =>
  document.querySelector<SVGPathElement>('[data-testid=finalize-wait]');
const arcLength = (): number => arc()?.getTotalLength() ?? 0;
const message = (): Element | null => document.querySelector('[data-testid=message]');
const left = (): number => message()?.getBoundingClientRect().left ?? NaN;
const server = (number: number): Element | null =>
  document.querySelector(`[data-testid=ring-server][data-sid="${number}"]`);

/** The records up to the first quorum of votes for which a server waits, and that one. */
async function untilWait(): Promise<{ records: readonly ProbeRecord[]; waitMs: number }> {
  const records = await electionOfThree();
  const at = records.findIndex(
    ({ event }) => event.topic === 'election' && event.type === 'quorumOfVotes',
  );
  const event = records[at]?.event;
  if (event?.topic !== 'election' || event.type !== 'quorumOfVotes') throw new Error('no wait');
  return { records: records.slice(0, at + 1), waitMs: event.finalizeWaitMs };
}

/** A vote of the election, as it was sent. */
async function oneVote(): Promise<ProbeRecord> {
  const vote = (await electionOfThree()).find(
    ({ sid: from, event }) =>
      event.topic === 'election' && event.type === 'notificationSent' && event.peer !== from,
  );
  if (vote === undefined) throw new Error('nobody voted');
  return vote;
}

describe('what is on the ring', () => {
  test('is told in words, links with how they are, and a seat that nobody has', async () => {
    const { change } = await showRing();
    const ring = page.getByTestId('ring');
    await expect.element(ring).toHaveAccessibleName(/Server 2: Looking, epoch \?, \?/);
    await expect.element(ring).toHaveAccessibleName(/link 1 to 2: WebRTC/);
    await expect.element(ring).toHaveAccessibleName(/link 1 to 3: BroadcastChannel/);
    change({
      members: MEMBERS.map((member) =>
        member.isSelf ? member : { ...member, presence: 'absent', state: null, link: null },
      ),
    });
    await expect.element(ring).toHaveAccessibleName(/Server 3: seat not taken$/);
  });

  test('tells how each link is by the line and by a word', async () => {
    const { change } = await showRing();
    const lineOf = (): string =>
      getComputedStyle(document.querySelector('[data-testid=link] line') ?? document.body)
        .strokeDasharray;
    const dashes = new Set<string>();
    for (const [state, word] of [
      ['connecting', 'connecting'],
      ['up', 'WebRTC'],
      ['silent', 'silent'],
      ['down', 'cut'],
    ] as const) {
      change({
        members: MEMBERS.map((member) =>
          Number(member.sid) === 2 ? { ...member, link: { state, via: 'webrtc' } } : member,
        ),
      });
      const ring = page.getByTestId('ring');
      await expect.element(ring).toHaveAccessibleName(new RegExp(`link 1 to 2: ${word}`));
      dashes.add(lineOf());
      const crosses = document.querySelectorAll('[data-testid=link] .cross').length;
      expect(crosses).toBe(state === 'down' ? 1 : 0);
    }
    expect(dashes.size).toBe(4);
  });

  test('tells how far the log is where it is ahead of what is applied', async () => {
    const { told } = await showRing();
    await told.tell([
      ...(await electionOfThree()),
      {
        sid: sid(1),
        timeMs: 10_000,
        wallTimeMs: 10_000,
        sequence: 100_000,
        event: {
          topic: 'txn',
          type: 'flushed',
          zxid: zxid(0x100000009n),
          groupCount: 1,
          tookMs: 1,
        },
      },
    ]);
    await expect.poll(() => server(1)?.textContent).toContain('log 0x100000009');
  });

  test('follows an election from the first vote to who leads', async () => {
    const { told } = await showRing();
    const { records } = await untilWait();
    await told.tell(records);
    const waiting = Number(records.at(-1)?.sid);
    await expect.poll(() => server(waiting)?.textContent).toMatch(/Votes for \d: [23] of 3/);
    await told.tell((await electionOfThree()).slice(records.length));
    await expect.poll(() => server(3)?.getAttribute('data-state')).toBe('LEADING');
    expect(server(1)?.getAttribute('data-state')).toBe('FOLLOWING');
    expect(server(3)?.textContent).toContain('epoch 1');
    expect(arc()).toBeNull();
  });
});

test('what nobody sees comes to be true as well, a little later', async () => {
  document.body.style.paddingTop = '500vh';
  onTestFinished(() => void document.body.style.removeProperty('padding-top'));
  const { told } = await showRing();
  const records = await electionOfThree();
  // One by one, so that the last of them follow close on one that was drawn.
  for (const part of [records.slice(0, -1), records.slice(-1)]) await told.tell(part);
  await expect.poll(() => server(3)?.getAttribute('data-state'), PATIENCE).toBe('LEADING');
  await expect.poll(() => server(2)?.textContent, PATIENCE).toContain('epoch 1');
});

describe('the finalize wait', () => {
  test('is an arc that shrinks as the time runs out, and goes', async () => {
    const { told } = await showRing();
    const { records, waitMs } = await untilWait();
    const sinceMs = records.at(-1)?.timeMs ?? 0;
    told.nowMs = sinceMs;
    await told.tell(records);
    await expect.poll(arcLength).toBeGreaterThan(0);
    const whole = arcLength();
    for (const part of [0.25, 0.5, 0.75]) {
      told.nowMs = sinceMs + part * waitMs;
      await expect.poll(() => arcLength() / whole).toBeCloseTo(1 - part, 2);
    }
    told.nowMs = sinceMs + waitMs;
    await expect.poll(arc).toBeNull();
  });

  test('stands still half-way for who asked for less motion, and goes all the same', async () => {
    await lessMotion(true);
    const { told } = await showRing();
    const { records, waitMs } = await untilWait();
    const sinceMs = records.at(-1)?.timeMs ?? 0;
    told.nowMs = sinceMs;
    await told.tell(records);
    await expect.poll(arcLength).toBeGreaterThan(0);
    const standing = arcLength();
    told.nowMs = sinceMs + 0.9 * waitMs;
    await drawn();
    expect(arcLength()).toBe(standing);
    told.nowMs = sinceMs + waitMs;
    await expect.poll(arc).toBeNull();
  });
});

describe('a message on its way', () => {
  const voteOnItsWay = async (): Promise<ReturnType<typeof frameClock>> => {
    const clock = frameClock();
    const { told } = await showRing();
    const vote = await oneVote();
    told.nowMs = vote.timeMs;
    await told.tell([vote]);
    await expect.poll(message).not.toBeNull();
    return clock;
  };

  test('moves from its sender to its receiver, and is gone after 0.6 s', async () => {
    const animate = vi.spyOn(Element.prototype, 'animate');
    const clock = await voteOnItsWay();
    const flight = animate.mock.results[0]?.value as Animation;
    flight.pause();
    const [start, middle, end] = [0, 300, 599].map((flightMs) => {
      flight.currentTime = flightMs;
      return left();
    }) as [number, number, number];
    expect(Math.abs(end - start)).toBeGreaterThan(50);
    // In steps, where the machine is busy.
    expect((middle - start) * (end - middle)).toBeGreaterThan(0);
    clock.nowMs += 600;
    await expect.poll(message).toBeNull();
  });

  test('stands still half-way for who asked for less motion, and goes all the same', async () => {
    await lessMotion(true);
    const clock = await voteOnItsWay();
    expect(message()?.getAnimations()).toEqual([]);
    const standing = left();
    clock.nowMs += 590;
    await drawn();
    expect(left()).toBe(standing);
    clock.nowMs += 10;
    await expect.poll(message).toBeNull();
  });
});
