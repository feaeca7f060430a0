/** One znode as a register with a version: what a history of its operations has to agree with. Pure. */

import { ErrorCode } from '../../wire/errorCodes.ts';
import type { Operation, SequentialModel } from './linearizability.ts';

export type NodeInput =
  | { readonly kind: 'create'; readonly value: string }
  /** `expected` -1: whatever the version. */
  | { readonly kind: 'set'; readonly value: string; readonly expected: number }
  | { readonly kind: 'delete'; readonly expected: number }
  | { readonly kind: 'read' };

/** `version`: of what was written or read; -1 where the reply tells none. */
export type NodeOutput =
  | { readonly ok: true; readonly version: number; readonly value: string | null }
  | { readonly ok: false; readonly error: number };

export type NodeOperation = Operation<NodeInput, NodeOutput>;

/** Null: there is no such node. */
export type NodeState = { readonly version: number; readonly value: string } | null;

/** A node that is not there at the beginning. */
export const nodeRegister: SequentialModel<NodeState, NodeInput, NodeOutput> = {
  initial: null,
  step(state, input, output) {
    const expected = outcomeOf(state, input);
    if (output !== null && !agrees(expected.output, output)) return undefined;
    return expected.state;
  },
  keyOf: (state) => (state === null ? '-' : `${state.version}:${state.value}`),
};

interface Outcome {
  readonly state: NodeState;
  readonly output: NodeOutput;
}

function outcomeOf(state: NodeState, input: NodeInput): Outcome {
  const refused = (error: number): Outcome => ({ state, output: { ok: false, error } });
  if (input.kind === 'create') {
    if (state !== null) return refused(ErrorCode.NodeExists);
    const created = { version: 0, value: input.value };
    return { state: created, output: { ok: true, ...created } };
  }
  if (state === null) return refused(ErrorCode.NoNode);
  if (input.kind === 'read') return { state, output: { ok: true, ...state } };
  if (input.expected >= 0 && input.expected !== state.version) return refused(ErrorCode.BadVersion);
  if (input.kind === 'delete')
    return { state: null, output: { ok: true, version: -1, value: null } };
  const written = { version: state.version + 1, value: input.value };
  return { state: written, output: { ok: true, ...written } };
}

function agrees(expected: NodeOutput, seen: NodeOutput): boolean {
  if (!expected.ok || !seen.ok) {
    return !expected.ok && !seen.ok && expected.error === seen.error;
  }
  return (
    (seen.version < 0 || seen.version === expected.version) &&
    (seen.value === null || seen.value === expected.value)
  );
}
