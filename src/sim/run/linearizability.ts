/**
 * Whether a history of concurrent operations could have happened one after the other, each at some instant between its
 * call and its return (Wing and Gong's search, with Lowe's memory of configurations already seen). Pure.
 */

/** One operation as its client saw it. */
export interface Operation<Input, Output> {
  readonly input: Input;
  /** Null: the client never heard; it may have happened at any time after its call, or never. */
  readonly output: Output | null;
  /** Positions in one order of all calls and returns; each is used once. */
  readonly calledAt: number;
  /** Not looked at where `output` is null. */
  readonly returnedAt: number;
}

/** What the operations are about, as a program without concurrency. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State;
  /** The state after the operation, or `undefined` if it cannot have this output in this state. */
  step(state: State, input: Input, output: Output | null): State | undefined;
  /** Equal for equal states. */
  keyOf(state: State): string;
}

export type Verdict =
  | { readonly kind: 'linearizable' }
  | { readonly kind: 'impossible' }
  /** More configurations than the limit: nothing is known. */
  | { readonly kind: 'unknown' };

/** Configurations looked at before the search is given up. */
const MAX_CONFIGURATIONS_COUNT = 200_000;

interface Entry<Input, Output> {
  readonly index: number;
  readonly operation: Operation<Input, Output>;
  readonly isReturn: boolean;
  previous: Entry<Input, Output> | null;
  next: Entry<Input, Output> | null;
  /** Of a call: its return. */
  match: Entry<Input, Output> | null;
}

interface Taken<State, Input, Output> {
  readonly entry: Entry<Input, Output>;
  readonly state: State;
}

export function checkLinearizable<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): Verdict {
  const head = entriesOf(operations);
  const seen = new Set<string>();
  const stack: Taken<State, Input, Output>[] = [];
  const taken = new Uint8Array(operations.length);
  let knownLeft = operations.filter(({ output }) => output !== null).length;
  let state = model.initial;
  let entry = head.next;
  while (knownLeft > 0) {
    if (entry !== null && !entry.isReturn) {
      const { index, operation } = entry;
      const after = model.step(state, operation.input, operation.output);
      taken[index] = 1;
      const configuration = after === undefined ? '' : `${taken.join('')}${model.keyOf(after)}`;
      if (after !== undefined && !seen.has(configuration)) {
        if (seen.size >= MAX_CONFIGURATIONS_COUNT) return { kind: 'unknown' };
        seen.add(configuration);
        stack.push({ entry, state });
        state = after;
        if (operation.output !== null) knownLeft--;
        lift(entry);
        entry = head.next;
      } else {
        taken[index] = 0;
        entry = entry.next;
      }
      continue;
    }
    // An operation has returned that nothing lets happen before: the last choice was wrong.
    const last = stack.pop();
    if (last === undefined) return { kind: 'impossible' };
    ({ state } = last);
    taken[last.entry.index] = 0;
    if (last.entry.operation.output !== null) knownLeft++;
    unlift(last.entry);
    entry = last.entry.next;
  }
  return { kind: 'linearizable' };
}

/** Calls and returns in order, behind an entry that stands for the beginning. */
function entriesOf<Input, Output>(
  operations: readonly Operation<Input, Output>[],
): Pick<Entry<Input, Output>, 'next'> {
  const placed: { readonly at: number; readonly entry: Entry<Input, Output> }[] = [];
  operations.forEach((operation, index) => {
    const unlinked = { index, operation, previous: null, next: null, match: null };
    const call: Entry<Input, Output> = { ...unlinked, isReturn: false };
    placed.push({ at: operation.calledAt, entry: call });
    // What never returned may come last of all, so nothing has to wait for it.
    if (operation.output === null) return;
    const back: Entry<Input, Output> = { ...unlinked, isReturn: true };
    call.match = back;
    placed.push({ at: operation.returnedAt, entry: back });
  });
  placed.sort((left, right) => left.at - right.at);
  const head: Entry<Input, Output> | null = placed[0]?.entry ?? null;
  for (let index = 1; index < placed.length; index++) {
    const entry = placed[index]?.entry ?? null;
    const previous = placed[index - 1]?.entry ?? null;
    if (entry === null || previous === null) continue;
    entry.previous = previous;
    previous.next = entry;
  }
  const start = { next: head };
  if (head !== null) head.previous = start as Entry<Input, Output>;
  return start;
}

/** Takes a call and its return out of the list; {@link unlift} puts them back. */
function lift<Input, Output>(call: Entry<Input, Output>): void {
  unlink(call);
  if (call.match !== null) unlink(call.match);
}

function unlift<Input, Output>(call: Entry<Input, Output>): void {
  if (call.match !== null) relink(call.match);
  relink(call);
}

function unlink<Input, Output>({ previous, next }: Entry<Input, Output>): void {
  if (previous !== null) previous.next = next;
  if (next !== null) next.previous = previous;
}

function relink<Input, Output>(entry: Entry<Input, Output>): void {
  if (entry.previous !== null) entry.previous.next = entry;
  if (entry.next !== null) entry.next.previous = entry;
}
