/** What the tree's tests share: a tree with a transaction counter, a watcher that remembers, and readers of ZooKeeper's files. */

import { readFileSync } from 'node:fs';
import { DataTree } from '../../../src/tree/dataTree.ts';
import type { DataTreeOptions } from '../../../src/tree/treeContents.ts';
import { parentPath } from '../../../src/tree/paths.ts';
import type { NewNode, ProcessTxnResult } from '../../../src/tree/treeTransactions.ts';
import { TreeLoader } from '../../../src/tree/treeLoader.ts';
import { readZxidDigest, type ZxidDigest } from '../../../src/tree/digestLog.ts';
import type { Watcher, WatchedEvent } from '../../../src/tree/watcher.ts';
import { type ACL, OPEN_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { sessionId, zxid, type SessionId, type Zxid } from '../../../src/wire/ids.ts';
import { JuteReader, JuteWriter } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import {
  type CreateTxn,
  decodeTxn,
  encodeSubTxn,
  type Txn,
  type TxnLogEntry,
} from '../../../src/wire/txns.ts';
import { eventTypeName } from '../../../src/wire/watchTypes.ts';
import { encodeUtf8 } from '../../../src/wire/utf8.ts';

export const bytes = (text: string): Uint8Array => encodeUtf8(text);
export const SESSION = sessionId(0x1_0000_0000_0001n);

/** A tree and the transactions that lead to it. */
export class Replica {
  readonly tree: DataTree;
  readonly log: TxnLogEntry[] = [];
  #counter = 1n << 32n;

  constructor(options: DataTreeOptions = {}) {
    this.tree = new DataTree(options);
  }

  get zxid(): Zxid {
    return zxid(this.#counter);
  }

  apply(txn: Txn, session: SessionId = SESSION): ProcessTxnResult {
    this.#counter++;
    const header = {
      clientId: session,
      cxid: Number(this.#counter & 0xffffn),
      zxid: zxid(this.#counter),
      time: 1_700_000_000_000 + Number(this.#counter & 0xffffn),
      type: txn.type,
    };
    const result = this.tree.processTxn(header, txn);
    const digest = { version: 2, treeDigest: this.tree.treeDigest() };
    this.log.push({ header, txn, digest: txn.type === OpCode.error ? null : digest });
    return result;
  }

  create(path: string, data = '', acl: readonly ACL[] = OPEN_ACL_UNSAFE): ProcessTxnResult {
    return this.apply(this.prepared(createTxn(path, data, acl)));
  }

  createEphemeral(path: string, session: SessionId = SESSION): ProcessTxnResult {
    return this.apply(this.prepared({ ...createTxn(path), ephemeral: true }), session);
  }

  /** With the parent's cversion that a leader would put in: one more than it has. */
  prepared<T extends CreateKind>(txn: T): T {
    const parent = this.tree.getNode(parentPath(txn.path));
    return { ...txn, parentCVersion: parent === null ? -1 : (parent.cversion + 1) | 0 };
  }

  delete(path: string): ProcessTxnResult {
    return this.apply({ type: OpCode.delete, path });
  }

  setData(path: string, data: string): ProcessTxnResult {
    const version = (this.tree.getNode(path)?.version ?? 0) + 1;
    return this.apply({ type: OpCode.setData, path, data: bytes(data), version });
  }

  multi(...txns: readonly Txn[]): ProcessTxnResult {
    return this.apply({ type: OpCode.multi, txns: txns.map(encodeSubTxn) });
  }
}

export type CreateKind = Extract<Txn, { parentCVersion: number }>;

/** What all creates have in common. */
export function newNode(path: string, data = '', acl: readonly ACL[] = OPEN_ACL_UNSAFE): NewNode {
  return { path, data: bytes(data), acl, parentCVersion: -1 };
}

export function createTxn(
  path: string,
  data = '',
  acl: readonly ACL[] = OPEN_ACL_UNSAFE,
): CreateTxn {
  return { ...newNode(path, data, acl), type: OpCode.create, ephemeral: false };
}

/** Remembers what it is told, as `NodeCreated /a`. */
export class Recorder implements Watcher {
  readonly events: WatchedEvent[] = [];

  process(event: WatchedEvent): void {
    this.events.push(event);
  }

  /** What came since the last call. */
  take(): string[] {
    return this.events.splice(0).map((event) => `${eventTypeName(event.type)} ${event.path}`);
  }
}

/** Everything a client could see of the tree, children sorted. */
export function visible(tree: DataTree, path = '/'): unknown[] {
  const { data, stat } = tree.getData(path, null);
  const children = [...tree.getChildren(path, null).children].sort();
  const below = children.flatMap((name) =>
    visible(tree, path === '/' ? `/${name}` : `${path}/${name}`),
  );
  return [
    { path, data: data === null ? null : [...data], stat, acl: tree.getACL(path).acl },
    ...below,
  ];
}

/** The body of a snapshot, written in slices of `sliceBytes`, with `between` called after each. */
export function snapshotBody(
  tree: DataTree,
  sliceBytes = 1 << 20,
  between?: () => void,
): Uint8Array {
  const snapshot = tree.beginSnapshot();
  const parts: number[] = [];
  for (let more = true; more;) {
    const writer = new JuteWriter();
    more = snapshot.next(sliceBytes, writer);
    for (const byte of writer.toBytes()) parts.push(byte);
    between?.();
  }
  snapshot.end();
  return Uint8Array.from(parts);
}

const FILE_HEADER_BYTES = 16;
const SEAL_BYTES = 13;

export interface GoldenSnapshot {
  readonly tree: DataTree;
  readonly digest: ZxidDigest;
  /** The bytes of lists and nodes. */
  readonly body: Uint8Array;
}

/** A snapshot file of ZooKeeper's, whose first zxid is `startZxid`. */
export function readSnapshotFile(file: string, options: DataTreeOptions): GoldenSnapshot {
  const content = new Uint8Array(readFileSync(file));
  const sessions = new JuteReader(content, FILE_HEADER_BYTES);
  for (let left = sessions.int(); left > 0; left--) {
    sessions.long();
    sessions.int();
  }
  const { tree, offset } = deserializeTree(content, sessions.offset, options);
  const startZxid = zxid(BigInt(`0x${file.slice(file.lastIndexOf('.') + 1)}`));
  tree.lastProcessedZxid = startZxid;
  const digest = readZxidDigest(new JuteReader(content, offset + SEAL_BYTES));
  return { tree, digest, body: content.subarray(sessions.offset, offset) };
}

/** The transactions of a log file of ZooKeeper's. */
export function readLogFile(file: string): TxnLogEntry[] {
  const reader = new JuteReader(new Uint8Array(readFileSync(file)), FILE_HEADER_BYTES);
  const entries: TxnLogEntry[] = [];
  while (reader.remaining >= 12) {
    reader.long();
    const length = reader.int();
    if (length === 0) break;
    entries.push(decodeTxn(reader.raw(length)));
    reader.raw(1);
  }
  return entries;
}

/** A whole body at once, and where it ends. */
export function deserializeTree(
  bytes: Uint8Array,
  start: number,
  options: DataTreeOptions = {},
): { tree: DataTree; offset: number } {
  const loader = new TreeLoader(options);
  const offset = loader.load(bytes, start);
  if (!loader.loaded) throw new Error(`the snapshot ends at byte ${offset}, before its end mark`);
  return { tree: loader.tree(), offset };
}
