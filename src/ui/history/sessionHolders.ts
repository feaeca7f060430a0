/** Which server holds which session, as far as the servers of the room have told. It only listens. */

import type { EventBatch, Member } from '../../room/admin.ts';

export type Holder =
  | { readonly kind: 'held'; readonly sid: bigint }
  /** It may come back to any server. */
  | { readonly kind: 'away'; readonly sid: bigint }
  | { readonly kind: 'ended' };

export class SessionHolders {
  readonly #holders = new Map<bigint, Holder>();

  /** Whether somebody's holder is another one now. */
  read({ sid, records }: EventBatch): boolean {
    let changed = false;
    for (const { event } of records) {
      if (event.topic !== 'session') continue;
      const { sessionId } = event;
      switch (event.type) {
        case 'opened':
          changed = this.#set(sessionId, { kind: 'held', sid });
          continue;
        case 'reattached':
          if (event.valid) changed = this.#set(sessionId, { kind: 'held', sid });
          continue;
        case 'disconnected':
        case 'moved': {
          const holder = this.#holders.get(sessionId);
          // Who has moved on is held elsewhere, whatever the server before says later.
          if (holder?.kind === 'held' && holder.sid === sid) {
            changed = this.#set(sessionId, { kind: 'away', sid });
          }
          continue;
        }
        case 'closed':
        case 'expired':
          changed = this.#set(sessionId, { kind: 'ended' });
          continue;
        case 'closing':
          continue;
      }
    }
    return changed;
  }

  /** Null: nobody has told. */
  of(session: bigint): Holder | null {
    return this.#holders.get(session) ?? null;
  }

  #set(session: bigint, holder: Holder): true {
    this.#holders.set(session, holder);
    return true;
  }
}

/** `server 2, in this tab`, with what is known of the tab that runs it. */
export function serverText(sid: bigint, members: readonly Member[]): string {
  const member = members.find((each) => each.sid === sid);
  if (member === undefined) return `server ${sid}`;
  if (member.isSelf) return `server ${sid}, this tab’s`;
  return member.presence === 'here'
    ? `server ${sid}, in another tab`
    : `server ${sid}, not here now`;
}

export function holderText(holder: Holder | null, members: readonly Member[]): string {
  if (holder === null) return 'no server here has told who holds it';
  if (holder.kind === 'ended') return 'it has ended';
  const server = serverText(holder.sid, members);
  return holder.kind === 'held' ? `held by ${server}` : `last held by ${server}`;
}
