/** The way into a room: opens its signalling, takes a seat, starts the server in its Worker, and says goodbye at the end. */

import type { ProbeTopic } from '../ports/probe.ts';
import type { SeatWish } from '../room/claimSeat.ts';
import type { RoomLink } from '../room/roomLink.ts';
import { sid as sidOf } from '../wire/ids.ts';
import { EventLog } from './eventLog.ts';
import type { EventSharing } from './eventSharing.ts';
import type { LinkManager } from './linkManager.ts';
import { RoomSession } from './roomSession.ts';
import { ServerWorker } from './serverWorker.ts';
import { TabServer } from './tabServer.ts';
import { CryptoRandom } from './workerWorld.ts';

/** Why a tab could not become a server: a sentence for a person, with what would do. */
export class JoinError extends Error {
  override readonly name = 'JoinError';
}

export interface JoinOptions {
  /** The page's address without its fragment; the room's link is made from it. */
  readonly pageUrl: string;
  /** `ws(s)://host/signal`; null: tabs of this browser only. */
  readonly signallingUrl: string | null;
  readonly makeWorker: () => Worker;
}

/** @throws JoinError */
export async function joinRoom(link: RoomLink, options: JoinOptions): Promise<TabServer> {
  const random = new CryptoRandom();
  const events = new EventLog();
  let server: TabServer | null = null;
  let sharing: EventSharing | null = null;
  /** The Worker ticks from its first moment on. */
  let opened: RoomSession | null = null;
  const worker: ServerWorker = new ServerWorker(options.makeWorker(), {
    status: (status) => server?.statusChanged(status),
    stopped: (failure) => server?.serverStopped(failure),
    events: (records, missedCount) => events.add(records, missedCount),
    snapshot: (answer) => server?.directory.snapshotAnswered(answer),
    tick: () => opened?.links.tick(server?.report() ?? null),
    dial: (to, port, handler) => session.links.dial(to, port, handler),
  });
  const session: RoomSession = await RoomSession.open(
    link,
    options.signallingUrl,
    worker.clock,
    random,
    {
      event: (event) => events.addRoomEvent(sidOf(session.seat?.sid ?? 0), event),
      changed: () => server?.membersChanged(),
      incoming: (from, port, pipe) =>
        worker.accept({ port, to: session.seat?.sid ?? 0, from }, pipe),
      ownsDisk: () => server?.ownsDisk() ?? Promise.resolve(false),
      unseated: () => startOver(link),
      story: (tab, sid, text) => sharing?.received(tab, sid, text),
      linkUp: (tab, sid) => sharing?.linkUp(tab, sid),
      tabGone: (tab) => sharing?.tabGone(tab),
    },
  );
  opened = session;
  const leave = () => {
    session.leave();
    worker.terminate();
    // The browser may keep this page and bring it back: until it begins anew it is no server.
    server?.serverStopped('This page was left.');
  };
  if (session.knownServers !== link.servers) {
    leave();
    throw new JoinError(
      `This browser knows the room with ${session.knownServers} servers, but the link says ${link.servers}. Open the link the others have.`,
    );
  }
  if (session.knowsAnotherKey) {
    leave();
    throw new JoinError(
      'This browser knows the room with another key, so nobody in it could read this tab. Open the link the others have.',
    );
  }
  const result = await session.join(wishOf(link));
  if (result.kind === 'refused') {
    leave();
    throw new JoinError(result.reason);
  }
  sessionStorage.setItem(lastSidKey(link), String(result.seat.sid));
  whenPageGoes(leave);
  whenNetworkChanges(() => session.networkChanged());
  const shared = shareEvents(
    { sid: result.seat.sid, now: () => worker.clock.now() },
    session.links,
    events,
    (topics, perSecondCount) => server?.watchForRoom(topics, perSecondCount),
  );
  void shared.then((loaded) => (sharing = loaded));
  server = new TabServer(
    link,
    options.pageUrl,
    result.seat,
    session,
    worker,
    events,
    random,
    shared,
  );
  return server;
}

/** `ws(s)://host/signal` of the server that a page came from. */
export function signallingUrlOf(page: Location): string | null {
  if (page.protocol !== 'http:' && page.protocol !== 'https:') return null;
  return `${page.protocol === 'https:' ? 'wss:' : 'ws:'}//${page.host}/signal`;
}

/** Not needed for a server to be one, so it comes when the page stands. */
async function shareEvents(
  self: { readonly sid: number; now(): number },
  links: LinkManager,
  events: EventLog,
  watch: (topics: readonly ProbeTopic[], perSecondCount: number) => void,
): Promise<EventSharing> {
  const { EventSharing: Sharing } = await import('./eventSharing.ts');
  const sharing = new Sharing({
    ...self,
    linked: () => links.linked(),
    send: (tab, text) => links.sendStory(tab, text),
    close: (tab) => links.closeStory(tab),
    watch,
  });
  events.shareWith((records, missedCount) => sharing.own(records, missedCount));
  return sharing;
}

function wishOf(link: RoomLink): SeatWish {
  const last = Number(sessionStorage.getItem(lastSidKey(link)));
  const lastSid = Number.isSafeInteger(last) && last > 0 ? last : null;
  return { sid: link.sid, observer: link.observer, lastSid };
}

/** A tab keeps this over a reload; a tab that was duplicated has it too, and finds the sid taken. */
function lastSidKey(link: RoomLink): string {
  return `tabkeeper/${link.room}/sid`;
}

function startOver(link: RoomLink): void {
  sessionStorage.removeItem(lastSidKey(link));
  location.reload();
}

function whenPageGoes(leave: () => void): void {
  globalThis.addEventListener('pagehide', leave, { once: true });
  globalThis.addEventListener('pageshow', (event) => {
    // Back from the browser's cache: this page has said goodbye, so it begins anew.
    if (event.persisted) location.reload();
  });
}

function whenNetworkChanges(changed: () => void): void {
  globalThis.addEventListener('online', changed);
  if ('connection' in navigator && navigator.connection instanceof EventTarget) {
    navigator.connection.addEventListener('change', changed);
  }
}
