/** What is said of a restore's effect on the ensemble: never more than is true. */

import { expect, test } from 'vitest';
import type { Member, ServerStatus } from '../../../src/room/admin.ts';
import { restoreMeaning } from '../../../src/ui/storage/restoreMeaning.ts';
import { epoch, makeZxid, sid, type Zxid } from '../../../src/wire/ids.ts';

const at = (inEpoch: number, counter: number): Zxid => makeZxid(epoch(inEpoch), BigInt(counter));

function member(id: number, own: Partial<Member> = {}): Member {
  return {
    sid: sid(id),
    kind: 'participant',
    isSelf: id === 1,
    disk: 'here',
    presence: 'here',
    state: 'FOLLOWING',
    serving: true,
    zxid: at(2, 9),
    link: null,
    ...own,
  };
}

const status = (serverCount: number): ServerStatus => ({
  sid: sid(1),
  state: 'FOLLOWING',
  leader: sid(2),
  epoch: epoch(2),
  zxid: at(2, 9),
  serving: true,
  servers: Array.from({ length: serverCount }, (_, index) => sid(index + 1)),
  stopped: null,
});

const restored = (inEpoch: number, counter: number) => ({
  zxid: at(inEpoch, counter),
  currentEpoch: epoch(inEpoch),
});

const text = ({ sentences }: { sentences: readonly string[] }): string => sentences.join(' ');

test('a server that is the whole ensemble loses what was written since', () => {
  const meaning = restoreMeaning(restored(1, 4), status(1), [member(1)]);
  expect(meaning.kind).toBe('lasting');
  expect(text(meaning)).toContain('from 0x200000009 to 0x100000004: every write since is lost');
});

test('an older history is undone by the leader, and only all servers together can go back', () => {
  const meaning = restoreMeaning(restored(1, 4), status(3), [member(1), member(2), member(3)]);
  expect(meaning.kind).toBe('undone');
  expect(text(meaning)).toContain('To take the whole ensemble back');
});

test('the same history is undone as well: there is nothing to spread', () => {
  expect(restoreMeaning(restored(2, 9), status(3), [member(1), member(2)]).kind).toBe('undone');
});

test('a newer history, by epoch before zxid, is followed by the others', () => {
  const members = [member(1), member(2), member(3)];
  const newer = restoreMeaning(restored(3, 1), status(3), members);
  expect(newer.kind).toBe('spreads');
  expect(text(newer)).toContain('the others give up their own');
  const higherZxidOfOlderEpoch = { zxid: at(2, 50), currentEpoch: epoch(1) };
  expect(restoreMeaning(higherZxidOfOlderEpoch, status(3), members).kind).toBe('undone');
});

test('without anybody else here nobody can tell', () => {
  const gone = member(2, { presence: 'absent', state: null, serving: false, zxid: null });
  expect(restoreMeaning(restored(1, 4), status(3), [member(1), gone]).kind).toBe('open');
});

test('an observer takes over its leader’s history in any case', () => {
  const observer = member(1, { kind: 'observer' });
  expect(restoreMeaning(restored(9, 1), status(3), [observer, member(2)]).kind).toBe('undone');
});
