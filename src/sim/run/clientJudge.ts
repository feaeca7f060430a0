/**
 * Judges what clients of one run are told: each reply against the tree that the committed transactions make, each watch
 * against the change that fires it, and at the end the operations of each node as one linearizable history.
 */

import type { Stat } from '../../wire/dataRecords.ts';
import { ErrorCode } from '../../wire/errorCodes.ts';
import { type Zxid, zxidToString } from '../../wire/ids.ts';
import { checkLinearizable, type Verdict } from './linearizability.ts';
import {
  type NodeInput,
  type NodeOperation,
  type NodeOutput,
  nodeRegister,
} from './nodeRegister.ts';
import { RunViolation } from './runViolation.ts';
import type { TreeModel } from './treeModel.ts';

/** An operation whose answer is still to come. */
export interface OpenOperation {
  readonly path: string;
  readonly input: NodeInput;
  readonly calledAt: number;
}

const decoder = new TextDecoder();

export class ClientJudge {
  readonly #tree: TreeModel;
  readonly #histories = new Map<string, NodeOperation[]>();
  readonly #open = new Set<OpenOperation>();
  /** Orders all calls and returns. */
  #position = 0;
  #checkCount = 0;
  /** Answers judged, and those that nobody got. */
  #acknowledgedCount = 0;

  constructor(tree: TreeModel) {
    this.#tree = tree;
  }

  get checkCount(): number {
    return this.#checkCount;
  }

  /** Writes that a client was told are done. */
  get acknowledgedCount(): number {
    return this.#acknowledgedCount;
  }

  called(path: string, input: NodeInput): OpenOperation {
    const open = { path, input, calledAt: this.#position++ };
    this.#open.add(open);
    return open;
  }

  /** The answer came, or never will (null). `counts` false: an answer that needs not be linearizable. */
  returned(open: OpenOperation, output: NodeOutput | null, counts = true): void {
    this.#open.delete(open);
    const { path, input, calledAt } = open;
    if (output?.ok === true && input.kind !== 'read') this.#acknowledgedCount++;
    // A read that nobody saw happened to nobody.
    if (input.kind === 'read' && (output === null || !counts)) return;
    const history = this.#histories.get(path) ?? [];
    this.#histories.set(path, history);
    history.push({ input, output, calledAt, returnedAt: this.#position++ });
  }

  /** What a reply at `zxid` shows has to be the node as of `zxid`: its stat, and its data where they are told. */
  shows(path: string, zxid: Zxid, seen: { data?: Uint8Array | null; stat: Stat } | null): void {
    const node = this.#tree.at(path, zxid);
    if (seen === null || node === null) {
      return this.#check(
        (seen === null) === (node === null),
        () =>
          `a reply at ${zxidToString(zxid)} says that ${path} is ${seen === null ? 'not ' : ''}there; by the log it is ${node === null ? 'not' : ''}`,
      );
    }
    const { data: bytes } = seen;
    const data = bytes === undefined ? node.data : bytes === null ? null : decoder.decode(bytes);
    const { version, czxid, mzxid, ephemeralOwner } = seen.stat;
    this.#check(
      data === node.data &&
        version === node.version &&
        czxid === node.createdAt &&
        mzxid === node.modifiedAt &&
        ephemeralOwner === node.owner,
      () =>
        `a reply at ${zxidToString(zxid)} shows ${path} as version ${version} "${data}"; by the log it is version ${node.version} "${node.data}"`,
    );
  }

  /** What a reply at `zxid` lists has to be the children as of `zxid`. */
  showsChildren(path: string, zxid: Zxid, children: readonly string[]): void {
    const [seen, expected] = [
      [...children].sort().join(),
      this.#tree.childrenAt(path, zxid).join(),
    ];
    this.#check(
      seen === expected,
      () =>
        `a reply at ${zxidToString(zxid)} lists [${seen}] under ${path}; by the log it is [${expected}]`,
    );
  }

  /** A write was answered: the log has to say the same at that zxid. */
  wrote(path: string, zxid: Zxid, input: NodeInput, output: NodeOutput): void {
    const node = this.#tree.at(path, zxid);
    const told = (): string =>
      `${input.kind} of ${path} was answered with ${output.ok ? 'success' : `error ${output.error}`} at ${zxidToString(zxid)}`;
    if (output.ok) {
      const done =
        input.kind === 'delete'
          ? node === null
          : node?.modifiedAt === zxid && 'value' in input && node.data === input.value;
      return this.#check(done, () => `${told()}, and the log does not show it`);
    }
    if (output.error === ErrorCode.NoNode) {
      this.#check(node === null, () => `${told()}, but it is there`);
    } else if (output.error === ErrorCode.NodeExists) {
      this.#check(node !== null, () => `${told()}, but it is not there`);
    } else if (output.error === ErrorCode.BadVersion) {
      const expected = 'expected' in input ? input.expected : -1;
      this.#check(
        node !== null && expected >= 0 && node.version !== expected,
        () => `${told()}, but it has version ${node?.version}`,
      );
    }
  }

  /** A reply at `zxid` came before the event of a change that it shows. */
  watchIsDue(path: string, setAt: Zxid, zxid: Zxid): void {
    const changedAt = this.#tree.firstChange(path, setAt);
    this.#check(
      changedAt === null || changedAt > zxid,
      () =>
        `a reply at ${zxidToString(zxid)} came before the event that ${path}, watched since ${zxidToString(setAt)}, changed at ${zxidToString(changedAt ?? setAt)}`,
    );
  }

  /** An event came: there has to be its change. */
  watchFired(path: string, setAt: Zxid): void {
    this.#check(
      this.#tree.firstChange(path, setAt) !== null,
      () => `an event came that ${path} changed after ${zxidToString(setAt)}, but it did not`,
    );
  }

  /** As {@link watchIsDue}, for a child that came or went. */
  childWatchIsDue(path: string, setAt: Zxid, zxid: Zxid): void {
    const changedAt = this.#tree.firstChildChange(path, setAt);
    this.#check(
      changedAt === null || changedAt > zxid,
      () =>
        `a reply at ${zxidToString(zxid)} came before the event that the children of ${path}, watched since ${zxidToString(setAt)}, changed at ${zxidToString(changedAt ?? setAt)}`,
    );
  }

  childWatchFired(path: string, setAt: Zxid): void {
    this.#check(
      this.#tree.firstChildChange(path, setAt) !== null,
      () =>
        `an event came that the children of ${path} changed after ${zxidToString(setAt)}, but they did not`,
    );
  }

  /** When all is over: every history of a node has to be linearizable. Answers what came of each. */
  checkHistories(): readonly Verdict['kind'][] {
    for (const open of [...this.#open]) this.returned(open, null);
    return [...this.#histories].map(([path, history]) => {
      const { kind } = checkLinearizable(nodeRegister, history);
      this.#check(kind !== 'impossible', () => `the operations on ${path} are not linearizable`);
      return kind;
    });
  }

  #check(holds: boolean, describe: () => string): void {
    this.#checkCount++;
    if (!holds) throw new RunViolation(describe());
  }
}
