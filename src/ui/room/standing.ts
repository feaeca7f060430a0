/** How things stand for somebody who only wants to know whether the room works, and what would help. Pure. */

import type { Member, ServerStatus } from '../../room/admin.ts';
import type { Sid } from '../../wire/ids.ts';

export type Standing =
  | { readonly kind: 'serving' }
  | { readonly kind: 'electing'; readonly hereCount: number; readonly quorumCount: number }
  /** Another tab of this browser would help. */
  | { readonly kind: 'lostQuorum'; readonly hereCount: number; readonly missingCount: number }
  /** No tab of this browser can help: it would come without the data of these servers. */
  | { readonly kind: 'lostData'; readonly hereCount: number; readonly sids: readonly Sid[] }
  | { readonly kind: 'stopped'; readonly reason: string };

/** What a server says whose disk has lost what it held: it has no vote until a leader has brought it up to date. */
const SUSPECT_ZXID = -1n;

export function standingOf(status: ServerStatus, members: readonly Member[]): Standing {
  if (status.stopped !== null) return { kind: 'stopped', reason: status.stopped };
  if (status.serving) return { kind: 'serving' };
  const voters = members.filter(({ kind }) => kind === 'participant');
  const hereCount = voters.filter(isHereWithVote).length;
  const quorumCount = Math.floor(voters.length / 2) + 1;
  if (hereCount >= quorumCount) return { kind: 'electing', hereCount, quorumCount };
  const lost = voters.filter((voter) => !isHereWithVote(voter) && !couldOpenHere(voter));
  if (voters.length - lost.length < quorumCount) {
    return { kind: 'lostData', hereCount, sids: lost.map(({ sid }) => sid) };
  }
  return { kind: 'lostQuorum', hereCount, missingCount: quorumCount - hereCount };
}

const isHereWithVote = ({ presence, zxid }: Member): boolean =>
  presence === 'here' && zxid !== SUSPECT_ZXID;

const couldOpenHere = ({ presence, disk }: Member): boolean =>
  presence !== 'here' && disk !== 'elsewhere';
