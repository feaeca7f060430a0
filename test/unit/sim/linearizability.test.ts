import { describe, expect, test } from 'vitest';
import { SimRandom } from '../../../src/sim/simRandom.ts';
import { checkLinearizable } from '../../../src/sim/run/linearizability.ts';
import {
  type NodeInput,
  type NodeOperation,
  type NodeOutput,
  type NodeState,
  nodeRegister,
} from '../../../src/sim/run/nodeRegister.ts';
import { ErrorCode } from '../../../src/wire/errorCodes.ts';

const verdict = (history: readonly NodeOperation[]) =>
  checkLinearizable(nodeRegister, history).kind;

const create = (value: string): NodeInput => ({ kind: 'create', value });
const set = (value: string, expected = -1): NodeInput => ({ kind: 'set', value, expected });
const read: NodeInput = { kind: 'read' };
const wrote = (version: number): NodeOutput => ({ ok: true, version, value: null });
const saw = (version: number, value: string): NodeOutput => ({ ok: true, version, value });
const failed = (error: number): NodeOutput => ({ ok: false, error });
const op = (
  calledAt: number,
  returnedAt: number,
  input: NodeInput,
  output: NodeOutput | null,
): NodeOperation => ({ calledAt, returnedAt, input, output });

describe('a good history', () => {
  test('of nothing is linearizable', () => {
    expect(verdict([])).toBe('linearizable');
  });

  test('of operations one after the other is linearizable', () => {
    const history = [
      op(0, 1, create('a'), wrote(0)),
      op(2, 3, set('b'), wrote(1)),
      op(4, 5, read, saw(1, 'b')),
    ];
    expect(verdict(history)).toBe('linearizable');
  });

  test('may order concurrent writes either way, as their versions say', () => {
    const history = [
      op(0, 1, create('a'), wrote(0)),
      op(2, 6, set('b'), wrote(2)),
      op(3, 5, set('c'), wrote(1)),
      op(7, 8, read, saw(2, 'b')),
    ];
    expect(verdict(history)).toBe('linearizable');
  });

  test('may hold a write nobody was told of, done or not done', () => {
    const before = [op(0, 1, create('a'), wrote(0)), op(2, 0, set('b'), null)];
    expect(verdict([...before, op(5, 6, read, saw(0, 'a'))])).toBe('linearizable');
    expect(verdict([...before, op(5, 6, read, saw(1, 'b'))])).toBe('linearizable');
    const late = [op(5, 6, read, saw(0, 'a')), op(7, 8, read, saw(1, 'b'))];
    expect(verdict([...before, ...late])).toBe('linearizable');
  });
});

describe('a bad history', () => {
  test('with a read of what was overwritten before it began is impossible', () => {
    const history = [
      op(0, 1, create('a'), wrote(0)),
      op(2, 3, set('b'), wrote(1)),
      op(4, 5, read, saw(0, 'a')),
    ];
    expect(verdict(history)).toBe('impossible');
  });

  test('with a lost write is impossible', () => {
    const history = [
      op(0, 1, create('a'), wrote(0)),
      op(2, 3, set('b'), wrote(1)),
      op(4, 5, set('c'), wrote(1)),
    ];
    expect(verdict(history)).toBe('impossible');
  });

  test('with two winners of one version is impossible', () => {
    const history = [
      op(0, 1, create('a'), wrote(0)),
      op(2, 5, set('b', 0), wrote(1)),
      op(3, 4, set('c', 0), wrote(1)),
    ];
    expect(verdict(history)).toBe('impossible');
  });

  test('with an unknown write seen and then not seen is impossible', () => {
    const history = [
      op(0, 1, create('a'), wrote(0)),
      op(2, 0, set('b'), null),
      op(5, 6, read, saw(1, 'b')),
      op(7, 8, read, saw(0, 'a')),
    ];
    expect(verdict(history)).toBe('impossible');
  });

  test('with a refusal that nothing explains is impossible', () => {
    const history = [
      op(0, 1, create('a'), wrote(0)),
      op(2, 3, set('b', 0), failed(ErrorCode.BadVersion)),
    ];
    expect(verdict(history)).toBe('impossible');
  });
});

/** A history made by doing the operations in an order, each somewhere within its call and return. */
function honest(seed: number): NodeOperation[] {
  const random = new SimRandom(seed, 'history');
  let state: NodeState = null;
  const history: NodeOperation[] = [];
  const used = new Set<number>();
  const place = (near: number, low: number, high: number): number => {
    for (let at = near + random.between(low, high); ; at += 1e-6) {
      if (used.has(at)) continue;
      used.add(at);
      return at;
    }
  };
  for (let index = 0; index < 40; index++) {
    const input: NodeInput =
      state === null
        ? create(`v${index}`)
        : random.pick([
            set(`v${index}`),
            set(`v${index}`, random.integer(0, 3)),
            { kind: 'delete', expected: -1 },
            read,
            read,
          ]);
    const after: NodeState | undefined = nodeRegister.step(state, input, null);
    const output = outputOf(state, input, after ?? null);
    const lost = random.chance(0.1);
    const called = place(index, -3, 0);
    history.push(op(called, place(index, 0, 3), input, lost ? null : output));
    state = after ?? null;
  }
  return history;
}

function outputOf(before: NodeState, input: NodeInput, after: NodeState): NodeOutput {
  if (input.kind === 'read') {
    return before === null ? failed(ErrorCode.NoNode) : saw(before.version, before.value);
  }
  if (after === before) {
    return failed(before === null ? ErrorCode.NoNode : ErrorCode.BadVersion);
  }
  return wrote(after?.version ?? -1);
}

test('random honest histories are linearizable', () => {
  for (let seed = 1; seed <= 200; seed++) {
    expect(verdict(honest(seed)), `seed ${seed}`).toBe('linearizable');
  }
});

test('a bug planted in a random history is found', () => {
  let planted = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const history = honest(seed);
    const random = new SimRandom(seed, 'plant');
    const reads = history.filter(({ output }) => output?.ok === true && output.value !== null);
    if (reads.length === 0) continue;
    const victim = random.pick(reads);
    const lie = saw(99, 'never written');
    const changed = history.map((one) => (one === victim ? { ...one, output: lie } : one));
    planted++;
    expect(verdict(changed), `seed ${seed}`).toBe('impossible');
  }
  expect(planted).toBeGreaterThan(150);
});

test('a read moved behind an overwriting is found', () => {
  let planted = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const history = honest(seed);
    const first = history.findIndex(({ output }) => output?.ok === true && output.value !== null);
    const stale = history[first];
    const later = history
      .slice(first + 1)
      .some(({ input, output }) => input.kind === 'set' && output?.ok === true);
    if (stale === undefined || !later) continue;
    planted++;
    const moved = { ...stale, calledAt: 1000, returnedAt: 1001 };
    expect(verdict([...history, moved]), `seed ${seed}`).toBe('impossible');
  }
  expect(planted).toBeGreaterThan(50);
});
