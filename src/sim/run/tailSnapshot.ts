/**
 * What a server of ZooKeeper does with its directory when it begins to lead, and none does here: it takes a snapshot of
 * all that it has logged, also of what nobody has agreed upon. Directories of both kinds of servers are to be borne.
 */

import { makePeerConfig } from '../../config/makePeerConfig.ts';
import { databaseOptionsOf } from '../../quorum/serverOptionsOf.ts';
import { ZKDatabase } from '../../storage/zkDatabase.ts';
import type { Ensemble } from '../ensemble.ts';
import type { Sid } from '../../wire/ids.ts';

/** False if the server runs. Whoever starts it while this is under way ends this as a crash would. */
export function snapshotTail(ensemble: Ensemble, sid: Sid, note: (what: string) => void): boolean {
  const machine = ensemble.machine(sid);
  if (machine.world !== null) return false;
  const config = makePeerConfig({ sid, quorumVerifier: null, dataDir: '/data' });
  const world = machine.boot();
  const end = (): void => {
    if (machine.world === world) machine.crash();
  };
  const database = new ZKDatabase(world, databaseOptionsOf(config), end);
  database.load((loaded) => {
    if (!loaded.ok || loaded.value.snapshot === null) return end();
    ensemble.invariants.mayHaveInSnapshot(sid);
    database.takeSnapshot((taken) => {
      if (taken.ok) note('a snapshot of a tail');
      end();
    });
  });
  return true;
}
