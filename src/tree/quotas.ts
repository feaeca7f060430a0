/**
 * Quotas: which subtrees have one, what each uses, and whether a write would exceed it (`Quotas`, `PathTrie`,
 * `ZooKeeperServer.checkQuota`). The figures are kept in nodes below `/zookeeper/quota`, as ZooKeeper does.
 */

import type { DataNode } from './dataNode.ts';
import type { NodeHashMap } from './nodeHashMap.ts';
import { childPath, parentPath, QUOTA_ZOOKEEPER, ROOT } from './paths.ts';
import { formatStatsTrack, parseStatsTrack, type StatsTrack, statValue } from './statsTrack.ts';

const LIMIT_NODE = 'zookeeper_limits';
const STAT_NODE = 'zookeeper_stats';

export const quotaLimitPath = (path: string): string => `${QUOTA_ZOOKEEPER}${path}/${LIMIT_NODE}`;
export const quotaStatPath = (path: string): string => `${QUOTA_ZOOKEEPER}${path}/${STAT_NODE}`;

/** A quota that a write would exceed. A hard one may refuse the write; a soft one is only worth telling. */
export interface QuotaExceeded {
  readonly kind: 'soft' | 'hard';
  /** The root of the subtree that has the quota. */
  readonly quotaPath: string;
  readonly what: 'count' | 'bytes';
  readonly limit: bigint;
  /** What the subtree would have afterwards. */
  readonly value: bigint;
}

export class Quotas {
  readonly #nodes: NodeHashMap;
  /** Roots of subtrees with a quota. */
  readonly #paths = new Set<string>();

  constructor(nodes: NodeHashMap) {
    this.#nodes = nodes;
  }

  /** The deepest subtree with a quota that `path` belongs to; null if there is none. */
  maxPrefixWithQuota(path: string): string | null {
    if (this.#paths.size === 0) return null;
    for (let prefix = path; prefix !== ROOT; prefix = parentPath(prefix))
      if (this.#paths.has(prefix)) return prefix;
    return null;
  }

  nodeCreated(path: string, data: Uint8Array | null): void {
    const limited = subtreeOf(path, LIMIT_NODE);
    if (limited !== null) this.#paths.add(limited);
    const counted = subtreeOf(path, STAT_NODE);
    if (counted !== null) this.#recount(counted);
    this.#use(path, 1, lengthOf(data));
  }

  nodeDeleted(path: string, data: Uint8Array | null): void {
    const limited = subtreeOf(path, LIMIT_NODE);
    if (limited !== null) this.#paths.delete(limited);
    this.#use(path, -1, -lengthOf(data));
  }

  dataChanged(path: string, before: Uint8Array | null, after: Uint8Array | null): void {
    this.#use(path, 0, lengthOf(after) - lengthOf(before));
  }

  /** After a load: finds the quotas and counts what each subtree uses. */
  rebuild(): void {
    this.#paths.clear();
    this.#walk(QUOTA_ZOOKEEPER, (path) => {
      const limited = subtreeOf(path, LIMIT_NODE);
      if (limited === null) return;
      this.#paths.add(limited);
      this.#recount(limited);
    });
  }

  /** What a write of `bytesDiff` bytes and `countDiff` nodes at `path` would exceed first; a hard limit hides a soft one. */
  check(path: string, bytesDiff: number, countDiff: number): QuotaExceeded | null {
    const quotaPath = this.maxPrefixWithQuota(path);
    if (quotaPath === null) return null;
    const limitNode = this.#nodes.get(quotaLimitPath(quotaPath));
    const statNode = this.#nodes.get(quotaStatPath(quotaPath));
    if (limitNode === undefined || statNode === undefined) return null;
    const limits = parseStatsTrack(limitNode.data);
    const used = parseStatsTrack(statNode.data);
    const exceeded = [
      exceeds(quotaPath, 'count', limits, used, countDiff),
      exceeds(quotaPath, 'bytes', limits, used, bytesDiff),
    ];
    return exceeded.find((one) => one?.kind === 'hard') ?? exceeded.find((one) => one) ?? null;
  }

  #use(path: string, countDiff: number, bytesDiff: number): void {
    const quotaPath = this.maxPrefixWithQuota(path);
    if (quotaPath === null) return;
    const statNode = this.#nodes.get(quotaStatPath(quotaPath));
    if (statNode === undefined) return;
    const used = parseStatsTrack(statNode.data);
    this.#setUsage(
      statNode,
      new Map(used)
        .set('count', statValue(used, 'count') + BigInt(countDiff))
        .set('bytes', statValue(used, 'bytes') + BigInt(bytesDiff)),
    );
  }

  #recount(quotaPath: string): void {
    const statNode = this.#nodes.get(quotaStatPath(quotaPath));
    if (statNode === undefined) return;
    let count = 0n;
    let bytes = 0n;
    this.#walk(quotaPath, (_path, node) => {
      count++;
      bytes += BigInt(node.dataLength);
    });
    this.#setUsage(
      statNode,
      new Map([
        ['count', count],
        ['bytes', bytes],
      ]),
    );
  }

  /** Not a write: no version, no zxid, no watch. Every server does it for itself, which is why digests leave it out. */
  #setUsage(statNode: DataNode, used: StatsTrack): void {
    this.#nodes.preChange(statNode);
    this.#nodes.setData(statNode, formatStatsTrack(used));
    this.#nodes.postChange(statNode);
  }

  #walk(root: string, visit: (path: string, node: DataNode) => void): void {
    const waiting = [root];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const node = this.#nodes.get(path);
      if (node === undefined) continue;
      visit(path, node);
      for (const child of node.children) waiting.push(childPath(path, child));
    }
  }
}

/** `/a` if `path` is the node `name` of `/a`'s quota; null if it is none. There is no quota on the root. */
function subtreeOf(path: string, name: string): string | null {
  if (!path.startsWith(`${QUOTA_ZOOKEEPER}/`) || !path.endsWith(`/${name}`)) return null;
  const subtree = path.slice(QUOTA_ZOOKEEPER.length, -(name.length + 1));
  return subtree === '' ? null : subtree;
}

const lengthOf = (data: Uint8Array | null): number => (data === null ? 0 : data.length);

const hardLimitName = { count: 'countHardLimit', bytes: 'byteHardLimit' } as const;

function exceeds(
  quotaPath: string,
  what: 'count' | 'bytes',
  limits: StatsTrack,
  used: StatsTrack,
  diff: number,
): QuotaExceeded | null {
  const hardLimit = statValue(limits, hardLimitName[what]);
  const kind = hardLimit > -1n ? 'hard' : 'soft';
  const limit = kind === 'hard' ? hardLimit : statValue(limits, what);
  if (diff === 0 || limit <= -1n) return null;
  const value = statValue(used, what) + BigInt(diff);
  return value > limit ? { kind, quotaPath, what, limit, value } : null;
}
