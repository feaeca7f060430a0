import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SyncedLearnerTracker } from '../../../src/election/syncedLearnerTracker.ts';
import { sameVote, winsBy, type Proposal, type Vote } from '../../../src/election/vote.ts';
import { epoch, sid, zxid } from '../../../src/wire/ids.ts';
import { verifierOf } from './electingPeer.ts';

const proposal = (id: number, logged: number, peerEpoch: number): Proposal => ({
  id: sid(id),
  zxid: zxid(BigInt(logged)),
  peerEpoch: epoch(peerEpoch),
});

const vote = (fields: Partial<Vote> = {}): Vote => ({
  ...proposal(1, 2, 3),
  version: 0,
  electionEpoch: 4n,
  state: 'LOOKING',
  ...fields,
});

describe('the order of votes', () => {
  it('goes by epoch, then by zxid, then by sid', () => {
    expect(winsBy(proposal(1, 0, 2), proposal(9, 9, 1))).toBe('peerEpoch');
    expect(winsBy(proposal(1, 1, 1), proposal(9, 0, 1))).toBe('zxid');
    expect(winsBy(proposal(2, 1, 1), proposal(1, 1, 1))).toBe('sid');
    expect(winsBy(proposal(1, 1, 1), proposal(1, 1, 1))).toBeNull();
    expect(winsBy(proposal(9, 9, 0), proposal(1, 0, 1))).toBeNull();
  });

  it('is total: of two different proposals exactly one wins', () => {
    const some = fc
      .tuple(fc.nat(2), fc.nat(2), fc.nat(2))
      .map(([id, logged, of]) => proposal(id, logged, of));
    fc.assert(
      fc.property(some, some, (a, b) => {
        const equal = a.id === b.id && a.zxid === b.zxid && a.peerEpoch === b.peerEpoch;
        const wins = [winsBy(a, b), winsBy(b, a)].filter((by) => by !== null);
        expect(wins).toHaveLength(equal ? 0 : 1);
      }),
    );
  });
});

describe('two votes are the same', () => {
  it('while somebody looks, only if everything agrees', () => {
    const following = vote({ state: 'FOLLOWING' });
    expect(sameVote(vote(), following)).toBe(true);
    for (const other of [
      { id: sid(2) },
      { zxid: zxid(3n) },
      { electionEpoch: 5n },
      { peerEpoch: epoch(4) },
    ]) {
      expect(sameVote(vote(other), following)).toBe(false);
      expect(sameVote(following, vote(other))).toBe(false);
    }
  });

  it('between servers with a leader, whatever their zxids and rounds', () => {
    const one = vote({ state: 'FOLLOWING', version: 2 });
    const other = vote({ state: 'LEADING', version: 1, zxid: zxid(9n), electionEpoch: 9n });
    expect(sameVote(one, other)).toBe(true);
    expect(sameVote(one, { ...other, peerEpoch: epoch(4) })).toBe(false);
    expect(sameVote(one, { ...other, id: sid(4) })).toBe(false);
  });

  it('also in another epoch if one is of version 0, which reports it differently', () => {
    const old = vote({ state: 'FOLLOWING', version: 0, peerEpoch: epoch(1) });
    const young = vote({ state: 'LEADING', version: 2, peerEpoch: epoch(2) });
    expect(sameVote(old, young)).toBe(true);
    expect(sameVote(old, { ...young, version: 0 })).toBe(false);
    expect(sameVote(old, { ...young, id: sid(2) })).toBe(false);
  });
});

describe('the tracker of those who agree', () => {
  it('wants a quorum of each configuration while two have a say', () => {
    const old = verifierOf(3);
    const next = verifierOf(5, [], 'version=100000005');
    const tracker = SyncedLearnerTracker.of(old, next);
    for (const number of [1, 2]) tracker.addAck(sid(number));
    expect(tracker.hasAllQuorums()).toBe(false);
    tracker.addAck(sid(5));
    expect(tracker.hasAllQuorums()).toBe(true);
    expect(tracker.hasEveryVoter(new Set())).toBe(false);
    expect(tracker.hasEveryVoter(new Set([3, 4].map(sid)))).toBe(true);
  });

  it('passes over a last seen configuration that is no newer', () => {
    const tracker = SyncedLearnerTracker.of(verifierOf(3), verifierOf(5));
    for (const number of [1, 2, 4]) tracker.addAck(sid(number));
    expect(tracker.supporters()).toEqual([1n, 2n]);
    expect(tracker.hasAllQuorums()).toBe(true);
  });

  it('does not take the word of observers', () => {
    const tracker = SyncedLearnerTracker.of(verifierOf(4, [3, 4]), null);
    expect([1, 3, 4].map((number) => tracker.addAck(sid(number)))).toEqual([true, false, false]);
    expect(tracker.hasAllQuorums()).toBe(false);
    tracker.addAck(sid(2));
    expect([tracker.hasAllQuorums(), tracker.hasEveryVoter(new Set())]).toEqual([true, true]);
  });
});
