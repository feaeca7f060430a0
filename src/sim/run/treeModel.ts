/**
 * What the committed transactions make of the tree, kept as simply as possible and with all its past: for each path what
 * it was at every zxid. Shares no code with `src/tree`, so that it can judge what servers show their clients.
 */

import type { SessionId, Zxid } from '../../wire/ids.ts';
import { zxidToString } from '../../wire/ids.ts';
import { OpCode } from '../../wire/opCodes.ts';
import { type Txn, decodeSubTxn, decodeTxn } from '../../wire/txns.ts';
import { firstAfter } from '../firstAfter.ts';
import { RunViolation } from './runViolation.ts';

/** A node as it was between two of its changes. */
export interface NodeVersion {
  readonly data: string | null;
  readonly version: number;
  readonly createdAt: Zxid;
  readonly modifiedAt: Zxid;
  /** 0: not ephemeral. */
  readonly owner: bigint;
}

interface Change {
  readonly zxid: Zxid;
  /** Null: deleted. */
  readonly node: NodeVersion | null;
}

/** Below here names are given by the server and may never come again. */
export const SEQUENCE_PARENT = '/q';

export class TreeModel {
  readonly #changes = new Map<string, Change[]>();
  readonly #children = new Map<string, Set<string>>();
  /** By parent, when a child of it came or went. */
  readonly #childChanges = new Map<string, Zxid[]>();
  readonly #ephemerals = new Map<SessionId, Set<string>>();
  readonly #openSessions = new Set<SessionId>();
  readonly #closedSessions = new Map<SessionId, Zxid>();
  #lastZxid: Zxid | null = null;

  /** The last transaction told; null before the first. */
  get lastZxid(): Zxid | null {
    return this.#lastZxid;
  }

  /** Sessions that were opened and neither closed nor expired. */
  get openSessionCount(): number {
    return this.#openSessions.size;
  }

  /** Every path that ever was. */
  get paths(): Iterable<string> {
    return this.#changes.keys();
  }

  /** The next committed transaction. Throws {@link RunViolation} for one that no honest leader proposes. */
  apply(bytes: Uint8Array): void {
    const { header, txn } = decodeTxn(bytes);
    const closedAt = this.#closedSessions.get(header.clientId);
    // It may be closed once more, by its client after its time was up; but then it owns nothing.
    const closesAgain = txn.type === OpCode.closeSession;
    if (closedAt !== undefined && !closesAgain && !isFailure(txn)) {
      throw new RunViolation(
        `session 0x${header.clientId.toString(16)} was closed at ${zxidToString(closedAt)} and has a transaction at ${zxidToString(header.zxid)}`,
      );
    }
    this.#lastZxid = header.zxid;
    this.#apply(txn, header.zxid, header.clientId);
  }

  /** The node as of that zxid; null if there was none. */
  at(path: string, zxid: Zxid): NodeVersion | null {
    const changes = this.#changes.get(path);
    if (changes === undefined) return null;
    return changes[firstAfter(changes, zxid, (change) => change.zxid) - 1]?.node ?? null;
  }

  /** The first change of the node after `after`; null if there was none. */
  firstChange(path: string, after: Zxid): Zxid | null {
    const changes = this.#changes.get(path);
    if (changes === undefined) return null;
    return changes[firstAfter(changes, after, (change) => change.zxid)]?.zxid ?? null;
  }

  /** The first coming or going of a child after `after`; null if there was none. */
  firstChildChange(path: string, after: Zxid): Zxid | null {
    const changes = this.#childChanges.get(path) ?? [];
    return changes[firstAfter(changes, after, (zxid) => zxid)] ?? null;
  }

  childrenAt(path: string, zxid: Zxid): readonly string[] {
    const names = this.#children.get(path) ?? new Set();
    const prefix = path === '/' ? '/' : `${path}/`;
    return [...names].filter((name) => this.at(prefix + name, zxid) !== null).sort();
  }

  /** Ephemeral nodes whose session is closed; there may be none. */
  orphans(zxid: Zxid): readonly string[] {
    return [...this.#changes.keys()].filter((path) => {
      const node = this.at(path, zxid);
      if (node === null || node.owner === 0n) return false;
      const closedAt = this.#closedSessions.get(node.owner as SessionId);
      return closedAt !== undefined && closedAt <= zxid;
    });
  }

  #apply(txn: Txn, zxid: Zxid, session: SessionId): void {
    switch (txn.type) {
      case OpCode.create:
      case OpCode.create2:
        return this.#create(txn.path, txn.data, zxid, txn.ephemeral ? session : 0n);
      case OpCode.createContainer:
      case OpCode.createTTL:
        return this.#create(txn.path, txn.data, zxid, 0n);
      case OpCode.delete:
      case OpCode.deleteContainer:
        return this.#delete(txn.path, zxid);
      case OpCode.setData:
      case OpCode.reconfig:
        return this.#set(txn.path, txn.data, txn.version, zxid);
      case OpCode.multi: {
        if (isFailure(txn)) return;
        for (const part of txn.txns) this.#apply(decodeSubTxn(part), zxid, session);
        return;
      }
      case OpCode.closeSession:
        return this.#closeSession(session, txn.paths2Delete, zxid);
      case OpCode.createSession:
        this.#openSessions.add(session);
        return;
      case OpCode.setACL:
      case OpCode.check:
      case OpCode.error:
        return;
    }
  }

  #create(path: string, data: Uint8Array | null, zxid: Zxid, owner: bigint): void {
    const changes = this.#changes.get(path);
    if (path.startsWith(`${SEQUENCE_PARENT}/`) && changes !== undefined) {
      throw new RunViolation(`sequence name ${path} is given again at ${zxidToString(zxid)}`);
    }
    if ((changes?.at(-1)?.node ?? null) !== null) {
      throw new RunViolation(`${path} is created at ${zxidToString(zxid)} although it is there`);
    }
    const node: NodeVersion = {
      data: textOf(data),
      version: 0,
      createdAt: zxid,
      modifiedAt: zxid,
      owner,
    };
    if (changes === undefined) this.#changes.set(path, [{ zxid, node }]);
    else changes.push({ zxid, node });
    this.#childrenOf(parentOf(path)).add(path.slice(path.lastIndexOf('/') + 1));
    this.#childChanged(path, zxid);
    if (owner !== 0n) this.#ephemeralsOf(owner as SessionId).add(path);
  }

  #delete(path: string, zxid: Zxid): void {
    const changes = this.#changes.get(path);
    const node = changes?.at(-1)?.node ?? null;
    if (changes === undefined || node === null) {
      throw new RunViolation(
        `${path} is deleted at ${zxidToString(zxid)} although it is not there`,
      );
    }
    changes.push({ zxid, node: null });
    this.#childChanged(path, zxid);
    if (node.owner !== 0n) this.#ephemeralsOf(node.owner as SessionId).delete(path);
  }

  #set(path: string, data: Uint8Array | null, version: number, zxid: Zxid): void {
    const changes = this.#changes.get(path);
    const node = changes?.at(-1)?.node ?? null;
    if (changes === undefined || node === null) {
      throw new RunViolation(`${path} is set at ${zxidToString(zxid)} although it is not there`);
    }
    if (version !== node.version + 1) {
      throw new RunViolation(
        `${path} gets version ${version} at ${zxidToString(zxid)} after version ${node.version}`,
      );
    }
    changes.push({ zxid, node: { ...node, data: textOf(data), version, modifiedAt: zxid } });
  }

  /** The transaction names the session's ephemerals: exactly those that it has. */
  #closeSession(session: SessionId, named: readonly string[] | null, zxid: Zxid): void {
    const owned = [...this.#ephemeralsOf(session)].sort();
    const told = [...(named ?? owned)].sort();
    if (owned.join() !== told.join()) {
      throw new RunViolation(
        `closing session 0x${session.toString(16)} at ${zxidToString(zxid)} deletes [${told.join(', ')}], but its ephemerals are [${owned.join(', ')}]`,
      );
    }
    for (const path of owned) this.#delete(path, zxid);
    this.#ephemerals.delete(session);
    this.#openSessions.delete(session);
    if (!this.#closedSessions.has(session)) this.#closedSessions.set(session, zxid);
  }

  #childChanged(path: string, zxid: Zxid): void {
    const parent = parentOf(path);
    const changes = this.#childChanges.get(parent);
    if (changes === undefined) this.#childChanges.set(parent, [zxid]);
    else changes.push(zxid);
  }

  #childrenOf(path: string): Set<string> {
    const known = this.#children.get(path);
    if (known !== undefined) return known;
    const fresh = new Set<string>();
    this.#children.set(path, fresh);
    return fresh;
  }

  #ephemeralsOf(session: SessionId): Set<string> {
    const known = this.#ephemerals.get(session);
    if (known !== undefined) return known;
    const fresh = new Set<string>();
    this.#ephemerals.set(session, fresh);
    return fresh;
  }
}

/** The transaction is an account of a request that failed: that its session was gone, for one. */
function isFailure(txn: Txn): boolean {
  if (txn.type === OpCode.error) return true;
  // One part that failed makes all of it such an account.
  return (
    txn.type === OpCode.multi && txn.txns.some((part) => decodeSubTxn(part).type === OpCode.error)
  );
}

const decoder = new TextDecoder();

const textOf = (data: Uint8Array | null): string | null =>
  data === null ? null : decoder.decode(data);

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
