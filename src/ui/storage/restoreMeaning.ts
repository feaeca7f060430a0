/** What a restore of one server means for its ensemble, said honestly. Pure. */

import type { StartedState } from '../../inspector/restorePlan.ts';
import type { Member, ServerStatus } from '../../room/admin.ts';
import { epochOf, type Zxid, zxidToString } from '../../wire/ids.ts';

export interface RestoreMeaning {
  /** `lasting`: what is restored is what everybody sees. `undone`: the leader undoes it. `spreads`: others follow it. */
  readonly kind: 'lasting' | 'undone' | 'spreads' | 'open';
  readonly sentences: readonly string[];
}

type Restored = Pick<StartedState, 'zxid' | 'currentEpoch'>;

const FORGETS =
  'This server forgets what it has acknowledged since. The others still hold that, unless one of them has lost its disk too: then writes that clients were told are safe can be lost.';
const WHOLE =
  'To take the whole ensemble back, restore the same zip in every server’s tab, each time leaving the server stopped, and start them when all are done.';

export function restoreMeaning(
  restored: Restored,
  status: ServerStatus,
  members: readonly Member[],
): RestoreMeaning {
  const own = members.find(({ isSelf }) => isSelf);
  if (own?.kind === 'observer') {
    return {
      kind: 'undone',
      sentences: [
        'An observer has no vote and always takes over its leader’s history: as soon as it finds one, what is restored here is replaced.',
      ],
    };
  }
  if (status.servers.length === 1) {
    return {
      kind: 'lasting',
      sentences: [
        'This server is the whole ensemble: what is restored is what every client sees from then on.',
        lossOf(restored.zxid, status.zxid),
      ],
    };
  }
  return amongOthers(restored, status, members);
}

function amongOthers(
  restored: Restored,
  status: ServerStatus,
  members: readonly Member[],
): RestoreMeaning {
  const others = members.filter(
    ({ isSelf, kind, zxid }) => !isSelf && kind === 'participant' && zxid !== null,
  );
  const newest = others.reduce<Member | null>(
    (best, member) => ((member.zxid ?? 0n) > (best?.zxid ?? -1n) ? member : best),
    null,
  );
  if (newest === null || newest.zxid === null) {
    return {
      kind: 'open',
      sentences: [
        'No other server is here, so nobody can tell whether theirs is newer. When they come, whoever has the newest history leads: if that is not this server, the leader undoes the restore.',
        FORGETS,
        WHOLE,
      ],
    };
  }
  const { sid, zxid } = newest;
  const theirs = `server ${sid} is at ${zxidToString(zxid)}`;
  // Nobody tells their currentEpoch; a leader's is at least that of what it has.
  const theirEpoch = newest.serving && status.serving ? status.epoch : epochOf(zxid);
  if (isNewer(restored, theirEpoch, zxid)) {
    return {
      kind: 'spreads',
      sentences: [
        `This history is newer than the others’ (${theirs}, this one ends at ${zxidToString(restored.zxid)} with epoch ${restored.currentEpoch}). At the next election this server wins, and the others give up their own to follow it.`,
        'If it is the history of another ensemble, everything that this one holds is lost with that.',
      ],
    };
  }
  return {
    kind: 'undone',
    sentences: [
      `The others hold a history at least as new (${theirs}, this one ends at ${zxidToString(restored.zxid)}). This server joins them as a follower, and the leader brings it to its own: it sends what is missing (DIFF), cuts off what it does not have (TRUNC), or sends the whole tree (SNAP). For clients nothing changes.`,
      FORGETS,
      WHOLE,
    ],
  };
}

/** As the election compares votes. */
function isNewer(restored: Restored, theirEpoch: bigint, theirZxid: Zxid): boolean {
  if (restored.currentEpoch !== theirEpoch) return restored.currentEpoch > theirEpoch;
  return restored.zxid > theirZxid;
}

function lossOf(restored: Zxid, present: Zxid): string {
  if (restored === present) return 'It is at the same transaction as now, so no write is lost.';
  return restored < present
    ? `It goes back from ${zxidToString(present)} to ${zxidToString(restored)}: every write since is lost.`
    : `It goes from ${zxidToString(present)} to ${zxidToString(restored)}; what stands here now is lost unless it is part of that.`;
}
