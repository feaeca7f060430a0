import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/configError.ts';
import { parseQuorumVerifier } from '../../../src/config/configText.ts';
import type { QuorumVerifier } from '../../../src/config/quorumVerifier.ts';
import { sid, type Sid } from '../../../src/wire/ids.ts';
import { goldenFiles } from '../wire/goldenFiles.ts';

const sids = (...numbers: number[]): Set<Sid> => new Set(numbers.map(sid));

const servers = (count: number, observers: readonly number[] = []): string[] =>
  Array.from({ length: count }, (_, i) => {
    const type = observers.includes(i + 1) ? 'observer' : 'participant';
    return `server.${i + 1}=h${i + 1}:2888:3888:${type}`;
  });

const verifier = (...lines: string[]): QuorumVerifier => parseQuorumVerifier(lines.join('\n'));

describe('config texts captured from ZooKeeper', () => {
  const texts = goldenFiles('election').flatMap(({ name, content }) => {
    const found = JSON.stringify(content).matchAll(/"config":\s?("server\.[^"]*")/g);
    const unique = new Set([...found].map(([, text]) => JSON.parse(text ?? '""') as string));
    return [...unique].map((text): [string, string] => [name, text]);
  });

  it('are at hand', () => expect(texts.length).toBeGreaterThan(0));

  it.each(texts)('%s: are read and written back byte for byte', (_name, text) => {
    expect(parseQuorumVerifier(text).toString()).toBe(text);
  });
});

describe('a majority', () => {
  it('is more than half of the voters', () => {
    const of = (count: number, ...acks: number[]) =>
      verifier(...servers(count)).containsQuorum(sids(...acks));
    expect([of(1), of(1, 1)]).toEqual([false, true]);
    expect([of(2, 1), of(2, 1, 2)]).toEqual([false, true]);
    expect([of(3, 1), of(3, 1, 3)]).toEqual([false, true]);
    expect([of(4, 1, 2), of(4, 1, 2, 4)]).toEqual([false, true]);
    expect([of(5, 1, 2), of(5, 3, 4, 5)]).toEqual([false, true]);
  });

  it('does not count observers or strangers, however many there are', () => {
    const five = verifier(...servers(5, [4, 5]));
    expect(five.containsQuorum(sids(1, 4, 5, 6, 7))).toBe(false);
    expect(five.containsQuorum(sids(1, 2))).toBe(true);
    expect([...five.votingMembers.keys()]).toEqual([1n, 2n, 3n]);
    expect([...five.observingMembers.keys()]).toEqual([4n, 5n]);
  });
});

describe('a hierarchical quorum', () => {
  const nine = ['group.1=1:2:3', 'group.2=4:5:6', 'group.3=7:8:9'];

  it('is a majority in a majority of groups', () => {
    const groups = verifier(...servers(9), ...nine);
    expect(groups.containsQuorum(sids(1, 2, 4, 5))).toBe(true);
    expect(groups.containsQuorum(sids(1, 2, 4, 7))).toBe(false);
    expect(groups.containsQuorum(sids(1, 2, 3, 4, 7))).toBe(false);
    expect(groups.containsQuorum(sids())).toBe(false);
  });

  it('goes by weight inside a group', () => {
    const heavy = verifier(...servers(3), 'group.1=1:2:3', 'weight.1=3', 'weight.2=1');
    expect(heavy.containsQuorum(sids(1))).toBe(true);
    expect(heavy.containsQuorum(sids(2, 3))).toBe(false);
    expect([1, 2, 3, 4].map((n) => heavy.weight(sid(n)))).toEqual([3, 1, 1, 0]);
  });

  it('leaves out groups that weigh nothing', () => {
    const zero = ['weight.7=0', 'weight.8=0', 'weight.9=0'];
    const groups = verifier(...servers(9), ...nine, ...zero);
    expect(groups.containsQuorum(sids(1, 2, 4, 5))).toBe(true);
    expect(groups.containsQuorum(sids(1, 2, 7, 8, 9))).toBe(false);
  });

  it('does not count an observer in a group', () => {
    const groups = verifier(...servers(3, [3]), 'group.1=1:2:3', 'weight.3=5');
    expect(groups.containsQuorum(sids(1, 3))).toBe(false);
    expect(groups.containsQuorum(sids(1, 2))).toBe(true);
  });

  it('is written back with groups and weights', () => {
    const text = [
      ...servers(3),
      'group.1=1:2',
      'group.2=3',
      'weight.1=1',
      'weight.2=1',
      'weight.3=2',
      'version=1f',
    ].join('\n');
    expect(parseQuorumVerifier(text).toString()).toBe(text);
    expect(parseQuorumVerifier(text).version).toBe(0x1fn);
  });

  it.each([
    [['group.1=1:2'], /server 3 is not in a group/],
    [['group.1=1:2:3', 'group.2=3'], /server 3 is in group\.1 and in group\.2/],
    [['group.1=1:2:3:4'], /names server 4/],
    [['group.1=1:2:3', 'weight.4=1'], /weight\.4 is for no server/],
    [['weight.1=1'], /not in a group/],
    [['group.1=1:2:3', 'weight.1=0', 'weight.2=0', 'weight.3=0'], /every group weighs 0/],
    [['group.1=1:x:3'], /line 4: .*"x" is no server's number/],
    [['group.1=1:2:3', 'weight.1=-1'], /line 5: .*a weight is a whole number/],
    [['group1=1:2:3'], /line 4: .*names no server/],
    [['version=xyz'], /line 4: version=xyz/],
    [['tickTime=5'], /line 4: "tickTime" has no place/],
  ])('%s is refused: %s', (lines, reason) => {
    expect(() => verifier(...servers(3), ...lines)).toThrow(ConfigError);
    expect(() => verifier(...servers(3), ...lines)).toThrow(reason);
  });
});

describe('every quorum system', () => {
  /** Up to seven servers, some of them observers, in groups with weights or without. */
  const layouts = fc
    .record({
      observers: fc.uniqueArray(fc.integer({ min: 2, max: 7 }), { maxLength: 4 }),
      groupOf: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 7, maxLength: 7 }),
      weights: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 7, maxLength: 7 }),
      hierarchical: fc.boolean(),
    })
    .map(({ observers, groupOf, weights, hierarchical }) => {
      if (!hierarchical) return servers(7, observers);
      const groups = [...new Set(groupOf)].map((group) => {
        const members = groupOf.flatMap((of, i) => (of === group ? [i + 1] : []));
        return `group.${group}=${members.join(':')}`;
      });
      const lines = weights.map((weight, i) => `weight.${i + 1}=${i === 0 ? weight + 1 : weight}`);
      return [...servers(7, observers), ...groups, ...lines];
    });
  const acks = fc.uniqueArray(fc.integer({ min: 1, max: 9 })).map((list) => sids(...list));

  it('has a voter in common between any two of its quorums', () => {
    fc.assert(
      fc.property(layouts, acks, acks, (lines, one, other) => {
        const system = verifier(...lines);
        if (!system.containsQuorum(one) || !system.containsQuorum(other)) return;
        const common = [...one].filter((n) => other.has(n) && system.votingMembers.has(n));
        expect(common).not.toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('has a quorum of all its voters, and is the same after its text was read', () => {
    fc.assert(
      fc.property(layouts, (lines) => {
        const system = verifier(...lines);
        expect(system.containsQuorum(new Set(system.votingMembers.keys()))).toBe(true);
        const again = parseQuorumVerifier(system.toString());
        expect(again.toString()).toBe(system.toString());
      }),
    );
  });
});
