/** A history of a chaos run is judged: what an honest ensemble says passes, what it cannot say is named. */

import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../../../src/wire/errorCodes.ts';
import { History } from '../../chaos/history.ts';
import type { Task, Told } from '../../chaos/inPage.ts';

const PATH = '/chaos/registers/r0-1';
const create = (value: string): Task => register({ kind: 'create', value });
const set = (value: string): Task => register({ kind: 'set', value, expected: -1 });
const read = register({ kind: 'read' });
const localRead: Task = { ...read, synced: false };
const sequence: Task = { kind: 'sequence', path: '/chaos/line/n-' };

function register(input: Extract<Task, { kind: 'register' }>['input']) {
  return { kind: 'register', path: PATH, input, synced: true } as const;
}

/** An answer at this zxid, in reign 1. */
const told = (
  zxid: number,
  outcome: Partial<Extract<Told['outcome'], { ok: true }>>,
  rest: Partial<Told> = {},
): Told => ({
  outcome: { ok: true, path: PATH, version: 0, value: '', ...outcome },
  mzxid: `10000000${zxid}`,
  session: 'a1',
  lastZxid: `10000000${zxid}`,
  epoch: 1,
  epochAfter: 1,
  lateWatch: null,
  ...rest,
});

/** One after the other. */
function judged(...exchanges: readonly (readonly [Task, Told | null])[]): readonly string[] {
  const history = new History();
  for (const [task, answer] of exchanges) {
    history.returned(history.called(task, 'client', 0), answer, 0);
  }
  history.judge();
  return history.violations;
}

describe('nothing is said against', () => {
  test('writes and reads that follow one another', () => {
    const violations = judged(
      [create('x'), told(1, { value: 'x' })],
      [set('y'), told(2, { version: 1, value: 'y' })],
      [read, told(2, { version: 1, value: 'y' })],
    );
    expect(violations).toEqual([]);
  });

  test('a write that nobody heard of, whether or not it shows', () => {
    for (const value of ['x', 'y']) {
      const version = value === 'x' ? 0 : 1;
      const violations = judged(
        [create('x'), told(1, { value: 'x' })],
        [set('y'), null],
        [read, told(2, { version, value })],
      );
      expect(violations).toEqual([]);
    }
  });

  test('an old value read without sync by another session', () => {
    const violations = judged(
      [create('x'), told(1, { value: 'x' })],
      [set('y'), told(2, { version: 1, value: 'y' })],
      [localRead, told(1, { value: 'x' }, { session: 'b2' })],
    );
    expect(violations).toEqual([]);
  });

  test('an old value from a leader whose successor has answered already', () => {
    const violations = judged(
      [create('x'), told(1, { value: 'x' })],
      [set('y'), told(2, { version: 1, value: 'y' }, { epochAfter: 2 })],
      [read, told(1, { value: 'x' }, { session: 'b2', epoch: 1 })],
    );
    expect(violations).toEqual([]);
  });
});

describe('is named', () => {
  test('an acknowledged write that a synced read does not show', () => {
    const violations = judged(
      [create('x'), told(1, { value: 'x' })],
      [set('y'), told(2, { version: 1, value: 'y' })],
      [read, told(3, { value: 'x' }, { session: 'b2' })],
    );
    expect(violations).toEqual([`the operations on ${PATH} are not linearizable`]);
  });

  test('a session that goes back in zxid', () => {
    const violations = judged(
      [create('x'), told(2, { value: 'x' })],
      [localRead, told(1, { value: 'x' }, { mzxid: null })],
    );
    expect(violations).toEqual([expect.stringContaining('went back')]);
  });

  test('a session that does not see its own write', () => {
    const violations = judged(
      [create('x'), told(1, { value: 'x' })],
      [set('y'), told(2, { version: 1, value: 'y' })],
      [localRead, told(2, { value: 'x' }, { mzxid: '100000001' })],
    );
    expect(violations).toEqual([expect.stringContaining('went back')]);
  });

  test('a sequential name given twice, and one that comes too late', () => {
    const name = (number: number) => ({ path: `/chaos/line/n-000000000${number}` });
    const twice = judged(
      [sequence, told(1, name(1))],
      [sequence, null],
      [sequence, told(2, name(1))],
    );
    expect(twice).toContain('the sequential name /chaos/line/n-0000000001 was given twice');
    const back = judged([sequence, told(1, name(5))], [sequence, told(2, name(4))]);
    expect(back).toEqual([expect.stringContaining('was given after number 5')]);
  });

  test('an ephemeral node that is gone before its session', () => {
    const path = '/chaos/here/n1';
    const violations = judged(
      [{ kind: 'ephemeral', path }, told(1, { path })],
      [{ kind: 'look', path }, told(2, { path, value: 'gone' })],
    );
    expect(violations).toEqual([expect.stringContaining('its session 0xa1 is not')]);
  });

  test('a name of its own that is refused', () => {
    const refused: Told = {
      ...told(1, {}),
      outcome: { ok: false, error: ErrorCode.NodeExists },
    };
    const violations = judged([{ kind: 'kept', path: '/chaos/kept/n1', value: 'v' }, refused]);
    expect(violations).toEqual([expect.stringContaining('was refused')]);
  });

  test('a change that is shown before its watch fires', () => {
    const violations = judged([localRead, told(1, {}, { lateWatch: 'late' })]);
    expect(violations).toContain('late');
  });
});
