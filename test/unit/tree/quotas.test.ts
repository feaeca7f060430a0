import { describe, expect, it } from 'vitest';
import { formatStatsTrack, parseStatsTrack } from '../../../src/tree/statsTrack.ts';
import { quotaLimitPath, quotaStatPath } from '../../../src/tree/quotas.ts';
import { TreeLoader } from '../../../src/tree/treeLoader.ts';
import { decodeUtf8 } from '../../../src/wire/utf8.ts';
import { bytes, Replica, snapshotBody } from './treeFixture.ts';

function withQuota(limits: string): Replica {
  const replica = new Replica();
  replica.create('/kiwi', '12345');
  replica.create('/zookeeper/quota/kiwi');
  replica.create(quotaLimitPath('/kiwi'), limits);
  replica.create(quotaStatPath('/kiwi'), 'count=0,bytes=0');
  return replica;
}

const usage = (replica: Replica): string =>
  decodeUtf8(replica.tree.getData(quotaStatPath('/kiwi'), null).data ?? bytes(''));

describe('a quota', () => {
  it('is counted from its creation, through every write, as ZooKeeper 3.8 was seen to count', () => {
    const replica = withQuota('count=3,bytes=100');
    const seen = [usage(replica)];
    for (const name of ['k0', 'k1', 'k2']) {
      replica.create(`/kiwi/${name}`, 'abc');
      seen.push(usage(replica));
    }
    replica.setData('/kiwi', 'x'.repeat(200));
    seen.push(usage(replica));
    replica.delete('/kiwi/k0');
    seen.push(usage(replica));
    expect(seen).toEqual([
      'count=1,bytes=5',
      'count=2,bytes=8',
      'count=3,bytes=11',
      'count=4,bytes=14',
      'count=4,bytes=209',
      'count=3,bytes=206',
    ]);
  });

  it('does not count as a write of its figures', () => {
    const replica = withQuota('count=3');
    const digest = replica.tree.treeDigest();
    const before = replica.tree.statNode(quotaStatPath('/kiwi'), null);
    replica.create('/kiwi/a');
    replica.delete('/kiwi/a');
    expect(replica.tree.statNode(quotaStatPath('/kiwi'), null)).toEqual(before);
    expect(replica.tree.treeDigest()).not.toBe(digest);
  });

  it('ends with its limit node, and one further down hides it', () => {
    const replica = withQuota('count=3');
    replica.create('/kiwi/a');
    replica.create('/zookeeper/quota/kiwi/a');
    replica.create(quotaLimitPath('/kiwi/a'), 'count=1');
    replica.create(quotaStatPath('/kiwi/a'));
    replica.create('/kiwi/a/b');
    expect(usage(replica)).toBe('count=2,bytes=5');
    replica.delete(quotaLimitPath('/kiwi'));
    replica.create('/kiwi/c', 'xyz');
    expect(usage(replica)).toBe('count=2,bytes=5');
  });

  it('is found again, and its figures counted anew, when the tree is loaded', () => {
    const replica = withQuota('count=3');
    replica.apply({ type: 5, path: quotaStatPath('/kiwi'), data: bytes('wrong'), version: 1 });
    const loader = new TreeLoader();
    loader.load(snapshotBody(replica.tree));
    const tree = loader.tree();
    expect(decodeUtf8(tree.getData(quotaStatPath('/kiwi'), null).data ?? bytes(''))).toBe(
      'count=1,bytes=5',
    );
    expect(tree.checkQuota('/kiwi/b', 0, 3)).toMatchObject({ kind: 'soft', value: 4n });
  });
});

describe('a write that a quota limits', () => {
  it.each([
    ['count=3', 0, 2, null],
    ['count=3', 0, 3, { kind: 'soft', what: 'count', limit: 3n, value: 4n }],
    ['bytes=10', 6, 0, { kind: 'soft', what: 'bytes', limit: 10n, value: 11n }],
    ['bytes=10', -6, 0, null],
    [
      'count=1,bytes=1=;byteHardLimit=7',
      3,
      1,
      { kind: 'hard', what: 'bytes', limit: 7n, value: 8n },
    ],
    ['count=-1,bytes=-1=;countHardLimit=1', 9, 0, null],
    [
      'count=-1,bytes=-1=;countHardLimit=1',
      0,
      1,
      { kind: 'hard', what: 'count', limit: 1n, value: 2n },
    ],
    ['nonsense', 100, 100, null],
  ])('under %j of %d bytes and %d nodes more', (limits, bytesDiff, countDiff, expected) => {
    const { tree } = withQuota(limits);
    const exceeded = tree.checkQuota('/kiwi/x', bytesDiff, countDiff);
    if (expected === null) expect(exceeded).toBeNull();
    else expect(exceeded).toEqual({ ...expected, quotaPath: '/kiwi' });
  });

  it('is not limited elsewhere', () => {
    const { tree } = withQuota('count=1');
    expect(tree.checkQuota('/kiwis/x', 0, 100)).toBeNull();
    expect(tree.checkQuota('/', 0, 100)).toBeNull();
  });
});

describe('the text of limits and figures', () => {
  it.each([
    ['count=4,bytes=5', 'count=4,bytes=5'],
    ['bytes=5;count=4', 'count=4,bytes=5'],
    [
      'count=4,bytes=5=;countHardLimit=10;byteHardLimit=9',
      'count=4,bytes=5=;byteHardLimit=9;countHardLimit=10',
    ],
    ['', 'count=-1,bytes=-1'],
    ['count=,bytes=x', 'count=-1,bytes=-1'],
    ['count=+7,bytes=-2', 'count=7,bytes=-2'],
  ])('%j is understood as %j', (text, expected) => {
    expect(decodeUtf8(formatStatsTrack(parseStatsTrack(bytes(text))))).toBe(expected);
  });

  it('of a node without data is empty', () => {
    expect(parseStatsTrack(null).size).toBe(0);
  });
});
