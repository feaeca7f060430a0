import { describe, expect, test } from 'vitest';
import { parseQuorumVerifier } from '../../../src/config/configText.ts';
import { QuorumMaj } from '../../../src/config/quorumMaj.ts';
import { QuorumOracleMaj } from '../../../src/config/quorumOracleMaj.ts';
import { sid } from '../../../src/wire/ids.ts';

/** Voters 1, 2, ... and an oracle whose word is `word.isYes`. */
function withOracle(voterCount: number) {
  const lines = Array.from({ length: voterCount }, (_, index) => {
    return `server.${index + 1}=host-${index + 1}:2888:3888:participant`;
  });
  const members = parseQuorumVerifier(lines.join('\n'));
  if (!(members instanceof QuorumMaj)) throw new Error('lines without groups make a majority');
  const word = { isYes: false, askedCount: 0 };
  const grants = (): boolean => {
    word.askedCount += 1;
    return word.isYes;
  };
  const verifier = new QuorumOracleMaj(members, { grants });
  const isQuorum = (...sids: number[]): boolean => verifier.containsQuorum(new Set(sids.map(sid)));
  return { members, verifier, word, isQuorum };
}

describe('a majority of two with an oracle', () => {
  test('is both of them as long as one follows the other, whatever the oracle says', () => {
    const { verifier, word, isQuorum } = withOracle(2);
    word.isYes = true;
    verifier.updateNeedOracle(1);
    expect(isQuorum(1)).toBe(false);
    expect(isQuorum(1, 6)).toBe(false);
    expect(isQuorum(1, 2)).toBe(true);
    expect(word.askedCount).toBe(0);
  });

  test('is one of them when nobody follows and the oracle says yes, at that moment', () => {
    const { verifier, word, isQuorum } = withOracle(2);
    verifier.updateNeedOracle(0);
    expect(isQuorum(1)).toBe(false);
    word.isYes = true;
    expect(isQuorum(1)).toBe(true);
    word.isYes = false;
    expect(isQuorum(1)).toBe(false);
    expect(isQuorum(1, 2)).toBe(true);
  });

  test('needs the oracle before anybody has followed: a server may start alone', () => {
    const { verifier, word, isQuorum } = withOracle(2);
    expect(verifier.needOracle).toBe(true);
    word.isYes = true;
    expect(isQuorum(2)).toBe(true);
  });

  test('is never nobody, nor a stranger', () => {
    const { word, isQuorum } = withOracle(2);
    word.isYes = true;
    expect(isQuorum()).toBe(false);
    expect(isQuorum(6)).toBe(false);
  });

  test.each([1, 3, 5])('asks nobody where %i vote', (voterCount) => {
    const { verifier, word, isQuorum } = withOracle(voterCount);
    word.isYes = true;
    verifier.updateNeedOracle(0);
    expect(isQuorum(1)).toBe(voterCount === 1);
    expect(word.askedCount).toBe(0);
  });

  test('has the same text as the majority it is of', () => {
    const { members, verifier } = withOracle(2);
    expect(verifier.toString()).toBe(members.toString());
  });
});
