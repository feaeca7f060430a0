/**
 * Differences that are known, as `test/fidelity.json` lists them: requests that a script does not make, because the
 * servers' trees or watches would differ from then on, and answers that may differ.
 */

import { readFileSync } from 'node:fs';
import { readCreateRequest, readCreateTTLRequest } from '../../../src/wire/clientRequests.ts';
import { JuteError, JuteReader } from '../../../src/wire/jute.ts';
import { readMultiRequest } from '../../../src/wire/multiRecords.ts';
import { OpCode, opName } from '../../../src/wire/opCodes.ts';
import { codeOf, encodeFrame, type Damage, type Operation } from './operations.ts';
import type { Step } from './scripts.ts';

/** Which requests are meant: all that is said must be so. */
interface Pattern {
  readonly op: readonly string[];
  /** What a field holds. */
  readonly flags?: readonly number[];
  readonly path?: string | null;
  /** Of setWatches: one of the paths is null. */
  readonly paths?: null;
  /** One operation of a multi. */
  readonly part?: Pattern;
  /** Only where the frame is damaged, or where another request follows in the same write. */
  readonly when?: 'damaged' | 'in a batch' | 'the path has a watch of another mode';
}

interface AnswerPattern {
  readonly op: string;
  /** Error codes. */
  readonly theirs: number;
  readonly ours: number;
}

interface Difference {
  readonly id: string;
  readonly leftOut?: readonly Pattern[];
  readonly answers?: readonly AnswerPattern[];
}

const { differences } = JSON.parse(
  readFileSync(new URL('../../fidelity.json', import.meta.url), 'utf8'),
) as { differences: readonly Difference[] };

/** How often each difference has been met, by its id. */
export const met = new Map<string, number>(
  differences
    .filter(({ leftOut, answers }) => leftOut !== undefined || answers !== undefined)
    .map(({ id }) => [id, 0]),
);

const meet = (id: string): true => {
  met.set(id, (met.get(id) ?? 0) + 1);
  return true;
};

/** True if these error codes are a known difference between the answers to that op. */
export const mayDiffer = (code: number, theirs: number, ours: number): boolean =>
  differences.some(
    ({ id, answers }) =>
      answers?.some(
        (one) => one.op === opName(code) && one.theirs === theirs && one.ours === ours,
      ) === true && meet(id),
  );

/** The script without what is known to be answered otherwise. */
export function withoutKnown(steps: readonly Step[]): readonly Step[] {
  const modes = new WatchModes();
  return steps.flatMap((step): Step[] => {
    if (step.kind === 'reattach') modes.forget(step.session);
    if (step.kind === 'request') {
      const { session, operation, damage } = step;
      const isOther = modes.note(session, operation, damage);
      return isKnown(asRead(operation, damage), { damage, isOther, batch: false }) ? [] : [step];
    }
    if (step.kind !== 'batch') return [step];
    const operations = step.operations.filter((operation) => {
      const isOther = modes.note(step.session, operation, UNDAMAGED);
      return !isKnown(operation, { damage: UNDAMAGED, isOther, batch: true });
    });
    return operations.length === 0 ? [] : [{ ...step, operations }];
  });
}

const UNDAMAGED: Damage = { kind: 'none' };

interface Circumstances {
  readonly damage: Damage;
  readonly batch: boolean;
  /** It leaves a watch where its session has one of another mode. */
  readonly isOther: boolean;
}

/** A request or a part of one as far as patterns look at it. */
interface Looked {
  readonly op: string;
  readonly flags?: number;
  readonly path?: string | null;
  readonly paths?: readonly (readonly (string | null)[])[];
  readonly parts?: readonly Looked[];
}

const isKnown = (looked: Looked, circumstances: Circumstances): boolean =>
  differences.some(
    ({ id, leftOut }) =>
      leftOut?.some((pattern) => matches(pattern, looked, circumstances)) === true && meet(id),
  );

function matches(pattern: Pattern, looked: Looked, circumstances: Circumstances): boolean {
  const { op, flags, path, paths, part, when } = pattern;
  if (!op.includes(looked.op)) return false;
  if (flags !== undefined && !(looked.flags !== undefined && flags.includes(looked.flags)))
    return false;
  if (path !== undefined && looked.path !== path) return false;
  if (paths === null && looked.paths?.flat().includes(null) !== true) return false;
  if (part !== undefined && !looked.parts?.some((one) => matches(part, one, circumstances)))
    return false;
  if (when === 'damaged') return circumstances.damage.kind !== 'none';
  if (when === 'in a batch') return circumstances.batch;
  return when === undefined || circumstances.isOther;
}

/** What the frame says once it is damaged: patched bytes may make another request of it. */
function asRead(operation: Operation, damage: Damage): Looked {
  const undamaged: Looked =
    operation.op === 'stray' ? { ...operation, op: opName(operation.code) } : operation;
  if (damage.kind !== 'patch') return undamaged;
  const frame = encodeFrame(operation, 0, damage, { base: '/base', lastZxid: 0n });
  const reader = new JuteReader(frame, 12);
  try {
    switch (codeOf(operation)) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
        return { ...undamaged, ...readCreateRequest(reader) };
      case OpCode.createTTL:
        return { ...undamaged, ...readCreateTTLRequest(reader) };
      case OpCode.multi:
      case OpCode.multiRead:
        return {
          ...undamaged,
          parts: readMultiRequest(reader).map((part) => ({ ...part, op: opName(part.type) })),
        };
      default:
        return undamaged;
    }
  } catch (error) {
    if (error instanceof JuteError) return undamaged;
    throw error;
  }
}

type Mode = 'once' | 'persistent' | 'recursive';

/** Which mode of watch each session has left on each path, at some time or other. */
class WatchModes {
  readonly #modes = new Map<string, Mode>();

  /** True if the request leaves a watch where there is one of another mode. */
  note(session: number, operation: Operation, damage: Damage): boolean {
    const left = watchesOf(operation);
    // What a damaged one leaves, and where, is not looked at.
    if (left.length > 0 && damage.kind === 'patch') return true;
    const others = left.filter(([path, mode]) => {
      const known = this.#modes.get(`${session} ${path}`);
      return known !== undefined && known !== mode;
    });
    if (others.length > 0) return true;
    const own = new Map(left);
    if (left.some(([path, mode]) => own.get(path) !== mode)) return true;
    for (const [path, mode] of left) this.#modes.set(`${session} ${path}`, mode);
    return false;
  }

  /** Its connection has ended, and its watches with it. */
  forget(session: number): void {
    for (const key of [...this.#modes.keys()]) {
      if (key.startsWith(`${session} `)) this.#modes.delete(key);
    }
  }
}

const SET_WATCHES_MODES: readonly Mode[] = ['once', 'once', 'once', 'persistent', 'recursive'];

function watchesOf(operation: Operation): (readonly [path: string | null, mode: Mode])[] {
  switch (operation.op) {
    case 'getData':
    case 'exists':
    case 'getChildren':
    case 'getChildren2':
      return operation.watch ? [[operation.path, 'once']] : [];
    case 'addWatch':
      return [[operation.path, operation.kind === 1 ? 'recursive' : 'persistent']];
    case 'setWatches':
    case 'setWatches2':
      return operation.paths.flatMap((paths, i) =>
        paths.map((path) => [path, SET_WATCHES_MODES[i] ?? 'once'] as const),
      );
    default:
      return [];
  }
}
