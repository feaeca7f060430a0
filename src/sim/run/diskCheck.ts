/**
 * A server started from any beginning of its disk has the tree of that moment: a copy of the disk is cut at random and
 * loaded by the real code, and what comes out is held against the log's own account.
 */

import { makePeerConfig } from '../../config/makePeerConfig.ts';
import { databaseOptionsOf } from '../../quorum/serverOptionsOf.ts';
import { ZKDatabase } from '../../storage/zkDatabase.ts';
import { type Sid, zxidToString } from '../../wire/ids.ts';
import type { SimDisk } from '../simDisk.ts';
import type { SimRandom } from '../simRandom.ts';
import { Simulation } from '../simWorld.ts';
import { RunViolation } from './runViolation.ts';
import type { NodeVersion, TreeModel } from './treeModel.ts';

const LOAD_LIMIT_MS = 60_000;

/** `initialZxidCounter`: as the servers are configured. */
export function checkDisk(
  sid: Sid,
  disk: SimDisk,
  tree: TreeModel,
  random: SimRandom,
  initialZxidCounter: bigint | null,
): void {
  const files = beginningOf(disk.durableFiles(), random);
  if (files === null) return;
  const simulation = new Simulation(1);
  const machine = simulation.machine('copy', sid);
  for (const [name, bytes] of files) machine.disk.put(name, bytes);
  const describe = (what: string): RunViolation =>
    new RunViolation(`server ${sid}, its disk cut to ${[...files.keys()].join(', ')}: ${what}`);
  simulation.subscribe(['storage'], ({ event }) => {
    if (event.topic === 'storage' && event.type === 'digestMismatch')
      throw describe(`replay gives another tree at ${zxidToString(event.zxid)}`);
  });
  const options = databaseOptionsOf(
    makePeerConfig({ sid, quorumVerifier: null, dataDir: '/copy', initialZxidCounter }),
  );
  const database = new ZKDatabase(machine.boot(), options, () => {});
  let outcome: string | null = 'it is never loaded';
  database.load((loaded) => {
    outcome = loaded.ok ? null : loaded.error.message;
  });
  simulation.time.runFor(LOAD_LIMIT_MS);
  if (outcome !== null) throw describe(outcome);
  compare(database, tree, describe);
}

/** Logs up to a random byte, and the snapshots that are not newer; null if nothing can be cut off. */
function beginningOf(
  files: ReadonlyMap<string, Uint8Array>,
  random: SimRandom,
): ReadonlyMap<string, Uint8Array> | null {
  const logs = [...files.keys()]
    .filter((name) => name.startsWith('log.'))
    .sort((left, right) => (zxidOf(left) < zxidOf(right) ? -1 : 1));
  if (logs.length === 0 || files.has('installingSnapshot')) return null;
  const last = random.integer(0, logs.length - 1);
  const cutName = logs[last] ?? '';
  const kept = new Map<string, Uint8Array>();
  for (const [name, bytes] of files) {
    const isLater = logs.indexOf(name) > last;
    const isNewer = name.startsWith('snapshot.') && zxidOf(name) >= zxidOf(cutName);
    if (!isLater && !isNewer) kept.set(name, bytes);
  }
  // Without a snapshot before it a log is no beginning of anything.
  if (![...kept.keys()].some((name) => name.startsWith('snapshot.'))) return null;
  const whole = kept.get(cutName) ?? new Uint8Array(0);
  kept.set(cutName, whole.slice(0, random.integer(0, whole.length)));
  return kept;
}

const zxidOf = (name: string): bigint => BigInt(`0x${name.slice(name.indexOf('.') + 1)}`);

function compare(
  database: ZKDatabase,
  tree: TreeModel,
  describe: (what: string) => RunViolation,
): void {
  const zxid = database.tree.lastProcessedZxid;
  for (const path of tree.paths) {
    const expected = tree.at(path, zxid);
    const node = database.tree.getNode(path);
    if (same(expected, node === null ? null : { ...node.toStat(false), data: node.data })) continue;
    throw describe(`${path} is another node than the log says at ${zxidToString(zxid)}`);
  }
}

interface Loaded {
  readonly data: Uint8Array | null;
  readonly version: number;
  readonly czxid: bigint;
  readonly mzxid: bigint;
}

function same(expected: NodeVersion | null, loaded: Loaded | null): boolean {
  if (expected === null || loaded === null) return expected === null && loaded === null;
  const data = loaded.data === null ? null : new TextDecoder().decode(loaded.data);
  return (
    data === expected.data &&
    loaded.version === expected.version &&
    loaded.czxid === expected.createdAt &&
    loaded.mzxid === expected.modifiedAt
  );
}
