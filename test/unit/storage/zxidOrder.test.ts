import { describe, expect, it } from 'vitest';
import { follows } from '../../../src/storage/zxidOrder.ts';
import { zxid } from '../../../src/wire/ids.ts';
import { z } from './storageWorld.ts';

describe('a history', () => {
  it.each([
    ['the next counter', z(1, 4), z(1, 5), true],
    ['a hole', z(1, 4), z(1, 6), false],
    ['the same again', z(1, 4), z(1, 4), false],
    ['an older one', z(1, 4), z(1, 3), false],
    ['the first of the next epoch', z(1, 4), z(2, 1), true],
    ['the first of a later epoch', z(1, 4), z(9, 1), true],
    ['the second of the next epoch', z(1, 4), z(2, 2), false],
    ['an older epoch', z(2, 4), z(1, 5), false],
    ['the first after NEWLEADER', z(2, 0), z(2, 1), true],
    ['the second after NEWLEADER', z(2, 0), z(2, 2), false],
    ['the very first', z(0, 0), z(1, 1), true],
    ['the very first of a server alone', z(0, 0), z(0, 1), true],
    ['the first on a disk that is not trusted', zxid(-1n), z(3, 1), true],
  ])('goes on with %s or does not', (_, previous, next, expected) => {
    expect(follows(previous, next)).toBe(expected);
  });

  it('begins an epoch above the initial counter where a test sets one', () => {
    expect(follows(z(1, 4), z(2, 1_001), 1_000n)).toBe(true);
    expect(follows(z(2, 0), z(2, 1_001), 1_000n)).toBe(true);
    expect(follows(z(1, 4), z(2, 1_002), 1_000n)).toBe(false);
    expect(follows(z(1, 4), z(1, 1_001), 1_000n)).toBe(false);
  });
});
