/**
 * Reads a snapshot's body, ours or ZooKeeper's own fuzzy one, into a new tree: bit by bit, as it comes from a file or a
 * leader. Believes nothing it has not checked; the sessions before and the seals after it are read by others.
 */

import { assert } from '../base/assert.ts';
import { readACLs, readStatPersisted, type StatPersisted } from '../wire/dataRecords.ts';
import { JUTE_MAX_FIELD_BYTES, JuteError, JuteReader, malformed } from '../wire/jute.ts';
import { DataNode } from './dataNode.ts';
import { DataTree } from './dataTree.ts';
import { childName } from './paths.ts';
import { type DataTreeOptions, emptyContents, type TreeContents } from './treeContents.ts';
import { END_OF_NODES } from './treeSnapshot.ts';

/** No record is longer: a path and data at their limit, and room for the rest. A list of so many bytes is no list. */
const MAX_RECORD_BYTES = 3 * JUTE_MAX_FIELD_BYTES;

export class TreeLoader {
  readonly #options: DataTreeOptions;
  readonly #contents: TreeContents;
  #state: 'aclCount' | 'acls' | 'nodes' | 'loaded' = 'aclCount';
  #aclsLeft = 0;

  constructor(options: DataTreeOptions = {}) {
    this.#options = options;
    this.#contents = emptyContents(options);
  }

  /** The end mark has been read. */
  get loaded(): boolean {
    return this.#state === 'loaded';
  }

  /**
   * Reads whole records from `bytes[start, end)`, at most `maxRecords` of them, and returns where the first byte not
   * read lies. What is left is the beginning of a record, to be given again with what follows it (or, once
   * {@link loaded}, not ours). Throws `JuteError` malformed for what no tree looks like.
   */
  load(
    bytes: Uint8Array,
    start = 0,
    end = bytes.length,
    maxRecords = Number.MAX_SAFE_INTEGER,
  ): number {
    const reader = new JuteReader(bytes, start, end);
    let recordStart = start;
    try {
      for (let count = 0; count < maxRecords && !this.loaded; count++) {
        this.#readRecord(reader);
        recordStart = reader.offset;
      }
    } catch (error) {
      if (!(error instanceof JuteError) || error.kind !== 'truncated') throw error;
      if (end - recordStart > MAX_RECORD_BYTES)
        throw malformed(`a record at byte ${recordStart} has more than ${MAX_RECORD_BYTES} bytes`);
    }
    return recordStart;
  }

  /** The tree, once {@link loaded}. Its `lastProcessedZxid` is for the caller to set. */
  tree(): DataTree {
    assert(this.loaded, 'the tree is not loaded yet');
    this.#contents.aclCache.purgeUnused();
    return new DataTree(this.#options, this.#contents);
  }

  #readRecord(reader: JuteReader): void {
    if (this.#state === 'aclCount') this.#readAclCount(reader);
    else if (this.#state === 'acls') this.#readAcls(reader);
    else this.#readNode(reader);
  }

  #readAclCount(reader: JuteReader): void {
    const count = reader.int();
    if (count < 0) throw malformed(`${count} access control lists`);
    this.#aclsLeft = count;
    this.#state = count === 0 ? 'nodes' : 'acls';
  }

  #readAcls(reader: JuteReader): void {
    const id = readAclId(reader);
    const acls = readACLs(reader);
    if (acls === null) throw malformed(`access control list ${id} is null`);
    this.#contents.aclCache.load(id, acls);
    this.#aclsLeft--;
    if (this.#aclsLeft === 0) this.#state = 'nodes';
  }

  #readNode(reader: JuteReader): void {
    checkFieldLength(reader);
    const path = reader.requiredString();
    if (path === END_OF_NODES) {
      if (this.#contents.nodes.size === 0) throw malformed('the snapshot has no root');
      this.#state = 'loaded';
      return;
    }
    checkFieldLength(reader);
    const data = reader.buffer();
    const aclId = readAclId(reader);
    const stat = readStatPersisted(reader);
    this.#insert(path, data, aclId, stat);
  }

  #insert(path: string, data: Uint8Array | null, aclId: number, stat: StatPersisted): void {
    const { nodes, aclCache, owned } = this.#contents;
    if (nodes.get(path) !== undefined) throw malformed(`${path} comes twice`);
    const parent = path === '' ? null : this.#parentOf(path);
    const node = new DataNode(path, null, aclCache.useLoaded(aclId), stat);
    nodes.loadData(node, data);
    if (parent === null) nodes.putRoot(node);
    else {
      parent.addChild(childName(path));
      nodes.put(node);
    }
    owned.add(path, stat.ephemeralOwner);
  }

  #parentOf(path: string): DataNode {
    const slash = path.lastIndexOf('/');
    const parent = slash === -1 ? undefined : this.#contents.nodes.get(path.slice(0, slash));
    if (parent === undefined) throw malformed(`${path} comes before its parent`);
    return parent;
  }
}

/** Waiting for bytes that cannot be meant would never end. */
function checkFieldLength(reader: JuteReader): void {
  const length = reader.peekInt();
  if (length > JUTE_MAX_FIELD_BYTES)
    throw malformed(`a field of ${length} bytes at byte ${reader.offset}`);
}

function readAclId(reader: JuteReader): number {
  const id = Number(reader.long());
  if (!Number.isSafeInteger(id)) throw malformed(`access control list number ${id}`);
  return id;
}
