/**
 * What a page has of its server and its room: the `Admin` port, a ZooKeeper client of its own server, and how to stop
 * and start that server. `joinRoom` makes it.
 */

import { ZooKeeper } from '../client/zooKeeper.ts';
import type { ProbeRecord, ProbeTopic } from '../ports/probe.ts';
import type { Random } from '../ports/random.ts';
import type { World } from '../ports/world.ts';
import type { Admin, Member, RoomEvents, ServerStatus } from '../room/admin.ts';
import type { ClaimedSeat } from '../room/claimSeat.ts';
import type { ServerReport } from '../room/messages.ts';
import type { RoomLink } from '../room/roomLink.ts';
import { formatRoomLink, invitation } from '../room/roomLink.ts';
import type { Member as RosterMember } from '../room/roster.ts';
import { seatSid } from '../room/roster.ts';
import { hostOf, roomMembers, seatType, voterSids } from '../room/seats.ts';
import { newId } from '../room/signalling.ts';
import { epoch, sid as sidOf, zxid } from '../wire/ids.ts';
import type { EventLog } from './eventLog.ts';
import { diskDatabaseName, readDiskOwner } from './diskRecords.ts';
import { PendingPipe } from './pendingPipe.ts';
import type { Pipe, PipeHandler } from './pipe.ts';
import type { PipeHeader } from './pipeMux.ts';
import { PipeNetwork } from './pipeNetwork.ts';
import type { RoomSession } from './roomSession.ts';
import type { ServerWorker } from './serverWorker.ts';
import { TabDirectory } from './tabDirectory.ts';
import type { WorkerStatus } from './workerMessages.ts';

/** Changes are told to the page's pictures at most this often: soon enough for an eye, and little to draw under load. */
const CHANGE_INTERVAL_MS = 50;
/** Between ZooKeeper's least and greatest for a tick of 2 s. A hidden tab still pings: its timers are the Worker's. */
const CLIENT_SESSION_TIMEOUT_MS = 10_000;
/** A page talks to its own server, so a failed try costs nothing to repeat. */
const CLIENT_RECONNECT_PAUSE_MS = 100;
/** So many events of single writes are worth their way to the page; of more, every second, fourth, eighth ... one. */
const COUNTED_EVENTS_PER_SECOND_COUNT = 20_000;

/** Told without being asked for: what changes seldom. Who shows more asks with {@link TabServer.watch}. */
export const DEFAULT_TOPICS: readonly ProbeTopic[] = [
  'peer',
  'election',
  'zab',
  'storage',
  'connection',
  'session',
  'room',
];

const NOT_RUNNING: WorkerStatus = {
  state: 'LOOKING',
  leader: null,
  epoch: epoch(0),
  zxid: zxid(0n),
  serving: false,
};

export class TabServer implements Admin {
  readonly sid: number;
  readonly shareUrl: string;
  readonly voterCount: number;
  /** What a client of any server of this room needs; `tab-2:2181` is server 2. */
  readonly clientWorld: Pick<World, 'clock' | 'network' | 'random'>;
  readonly directory: TabDirectory;
  #client: ZooKeeper;
  #pageClient: ZooKeeper;
  readonly #link: RoomLink;
  readonly #seat: ClaimedSeat;
  readonly #session: RoomSession;
  readonly #worker: ServerWorker;
  readonly #events: EventLog;
  readonly #random: Random;
  readonly #sharing: Promise<RoomEvents>;
  readonly #changeListeners = new Set<() => void>();
  /** How those went who are not here any more. */
  readonly #departed = new Map<number, Member['presence']>();
  #status = NOT_RUNNING;
  /** Under these names its disk is its own: the last start's, and those given out since. */
  #diskOwners: readonly string[] = [];
  #running = false;
  #restarting = false;
  #stopped: string | null = null;
  /** Besides the usual topics: what this page wants told, and what somebody in the room does. */
  #watchedHere: readonly ProbeTopic[] = [];
  #watchedInRoom: readonly ProbeTopic[] = [];
  /** Of what comes with every write, what somebody in the room can take. */
  #roomPerSecondCount = 0;
  #changePending = false;
  /** Who dials gives up by himself, so there are at most a few. */
  #waitingDials: { header: PipeHeader; pipe: PendingPipe }[] = [];

  constructor(
    link: RoomLink,
    pageUrl: string,
    seat: ClaimedSeat,
    session: RoomSession,
    worker: ServerWorker,
    events: EventLog,
    random: Random,
    sharing: Promise<RoomEvents>,
  ) {
    this.#link = link;
    this.#seat = seat;
    this.#session = session;
    this.#worker = worker;
    this.#events = events;
    this.#random = random;
    this.#sharing = sharing;
    this.clientWorld = {
      clock: worker.clock,
      network: new PipeNetwork(
        0,
        (header, handler) => this.#dialFromPage(header, handler),
        worker.clock,
      ),
      random,
    };
    events.wanted = new Set(DEFAULT_TOPICS);
    this.sid = seat.sid;
    this.voterCount = link.servers;
    this.shareUrl = pageUrl + formatRoomLink(invitation(link));
    events.listen((records) => this.#noteDepartures(records));
    this.directory = this.#openDirectory();
    this.start();
    this.#client = this.#openClient((next) => (this.#client = next));
    this.#pageClient = this.#openClient((next) => (this.#pageClient = next));
  }

  /** A client of this tab's own server. When its session has expired there is a new one, and `onChange` tells. */
  get client(): ZooKeeper {
    return this.#client;
  }

  status(): ServerStatus {
    return {
      sid: sidOf(this.sid),
      ...this.#status,
      servers: voterSids(this.voterCount).map(sidOf),
      stopped: this.#stopped,
    };
  }

  members(): readonly Member[] {
    const here = new Map<number, RosterMember>();
    for (const member of this.#session.roster.members.values()) {
      const sid = seatSid(member.state.seat);
      if (sid !== null && member.admitted) here.set(sid, member);
    }
    const observers = [...here.keys(), this.sid].filter((sid) => sid > this.voterCount);
    const sids = [...voterSids(this.voterCount), ...observers.sort((a, b) => a - b)];
    return sids.map((sid) => this.#member(sid, here.get(sid) ?? null));
  }

  /** The room's name, which its link has too. */
  get room(): string {
    return this.#link.room;
  }

  get events(): readonly ProbeRecord[] {
    return this.#events.records;
  }

  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => void this.#changeListeners.delete(listener);
  }

  onEvents(listener: (records: readonly ProbeRecord[]) => void): () => void {
    return this.#events.listen(listener);
  }

  /**
   * Another, for what the page draws: it watches the whole tree, and a session that hears of every change should not be
   * the one that somebody measures or counts watches on.
   */
  get pageClient(): ZooKeeper {
    return this.#pageClient;
  }

  /** A client, and with `replace` the next one when its session has expired. */
  #openClient(replace: (next: ZooKeeper) => void): ZooKeeper {
    const client = new ZooKeeper(this.clientWorld, {
      addresses: [hostOf(this.sid)],
      sessionTimeoutMs: CLIENT_SESSION_TIMEOUT_MS,
      maxReconnectPauseMs: CLIENT_RECONNECT_PAUSE_MS,
    });
    client.on('state', (state) => {
      if (state !== 'expired') return;
      replace(this.#openClient(replace));
      this.#changed();
    });
    return client;
  }

  roomEvents(): Promise<RoomEvents> {
    return this.#sharing;
  }

  /** Which topics of the server's own events are wanted besides the usual ones. */
  watch(topics: readonly ProbeTopic[]): void {
    this.#watchedHere = topics;
    this.#events.wanted = new Set([...DEFAULT_TOPICS, ...topics]);
    this.#watch();
  }

  /** For `joinRoom`: what somebody in the room wants told. */
  watchForRoom(topics: readonly ProbeTopic[], perSecondCount: number): void {
    this.#watchedInRoom = topics;
    this.#roomPerSecondCount = perSecondCount;
    this.#watch();
  }

  #watch(): void {
    this.#worker.watch(this.#watched(), this.#eventsPerSecondCount());
  }

  /** Who asks for it on this page wants to count it; what the room wants is looked at. */
  #eventsPerSecondCount(): number {
    return this.#watchedHere.length > 0
      ? COUNTED_EVENTS_PER_SECOND_COUNT
      : this.#roomPerSecondCount;
  }

  #watched(): readonly ProbeTopic[] {
    return [...new Set([...DEFAULT_TOPICS, ...this.#watchedHere, ...this.#watchedInRoom])];
  }

  /** Starts the server on its data; harmless when it runs, and when somebody works on its files. */
  start(): void {
    if (this.#running || this.directory.held) return;
    this.#running = true;
    this.#stopped = null;
    const { sid, diskId, firstOfItsName } = this.#seat;
    const owner = newId(this.#random);
    this.#diskOwners = [owner];
    this.#worker.start({
      sid,
      members: roomMembers(this.voterCount),
      databaseName: this.directory.databaseName,
      disk: { diskId, trustEmpty: firstOfItsName },
      owner,
      watched: this.#watched(),
      eventsPerSecondCount: this.#eventsPerSecondCount(),
    });
    this.#changed();
  }

  /** For `joinRoom`: no other tab has opened this server's disk since. */
  async ownsDisk(): Promise<boolean> {
    const owner = await readDiskOwner(this.directory.databaseName);
    return typeof owner === 'string' && this.#diskOwners.includes(owner);
  }

  #openDirectory(): TabDirectory {
    const { sid, diskId } = this.#seat;
    const running = (): boolean => this.#running;
    return new TabDirectory(diskDatabaseName(this.#link.room, sid), diskId, {
      get running() {
        return running();
      },
      newOwner: () => {
        const owner = newId(this.#random);
        this.#diskOwners = [...this.#diskOwners, owner];
        return owner;
      },
      start: () => this.start(),
      stop: () => this.stop(),
      takeSnapshot: () => this.#worker.takeSnapshot(),
      cancelSnapshot: () => this.#worker.cancelSnapshot(),
    });
  }

  /** Stops the server in good order; the tab stays in the room and keeps its seat. */
  stop(): void {
    this.#restarting = false;
    if (this.#running) this.#worker.stop();
  }

  restart(): void {
    if (!this.#running) {
      this.start();
      return;
    }
    this.#restarting = true;
    this.#worker.stop();
  }

  /** For `joinRoom`: what the Worker says. */
  statusChanged(status: WorkerStatus): void {
    const before = this.#status;
    this.#status = status;
    if (status.serving) this.#letClientsIn();
    if (before.state !== status.state || before.serving !== status.serving) {
      this.#session.setReport(this.report());
    }
    this.#changed();
  }

  /** For `joinRoom`: the server runs no more. */
  serverStopped(failure: string | null): void {
    this.#running = false;
    this.#status = { ...NOT_RUNNING, epoch: this.#status.epoch, zxid: this.#status.zxid };
    this.#stopped = failure ?? 'This server was told to stop.';
    this.#session.setReport(null);
    this.directory.serverStopped();
    if (this.#restarting) {
      this.#restarting = false;
      this.start();
    }
    this.#changed();
  }

  /** For `joinRoom`: who is here has changed. */
  membersChanged(): void {
    this.#changed();
  }

  report(): ServerReport | null {
    if (!this.#running) return null;
    const { state, serving } = this.#status;
    return { state, serving, zxid: BigInt.asUintN(64, this.#status.zxid).toString(16) };
  }

  #member(sid: number, member: RosterMember | null): Member {
    const isSelf = sid === this.sid;
    const kind = seatType(sid, this.voterCount);
    if (isSelf) {
      const { state, serving, zxid: last } = this.#status;
      const presence = 'here';
      const said = this.#running ? state : null;
      return {
        sid: sidOf(sid),
        kind,
        isSelf,
        disk: 'here',
        presence,
        state: said,
        serving,
        zxid: last,
        link: null,
      };
    }
    const report = member?.state.report ?? null;
    return {
      sid: sidOf(sid),
      kind,
      isSelf,
      disk: this.#session.diskOf(sid),
      presence: this.#presence(sid, member),
      state: report?.state ?? null,
      serving: report?.serving ?? false,
      zxid: report === null ? null : zxid(BigInt.asIntN(64, BigInt(`0x${report.zxid}`))),
      link: member === null ? null : this.#session.links.linkTo(member.tab),
    };
  }

  #presence(sid: number, member: RosterMember | null): Member['presence'] {
    if (member !== null) return member.silent ? 'silent' : 'here';
    return this.#departed.get(sid) ?? 'absent';
  }

  #noteDepartures(records: readonly ProbeRecord[]): void {
    for (const { event } of records) {
      if (event.topic !== 'room' || event.type !== 'presence') continue;
      this.#departed.set(Number(event.peer), event.state);
    }
  }

  /** A connection to the client port of this tab's server, for a page that has been let in. */
  openClientPipe(handler: PipeHandler): Pipe {
    return this.#dialOwnServer({ port: 'client', to: this.sid, from: 0 }, handler);
  }

  #dialFromPage(header: PipeHeader, handler: PipeHandler): Pipe {
    if (header.to === this.sid) return this.#dialOwnServer(header, handler);
    const pipe = this.#session.links.dial(header.to, header.port, handler);
    if (pipe !== null) return pipe;
    queueMicrotask(() => handler.closed(`no tab of this room is server ${header.to} now`));
    return { send: () => {}, close: () => {} };
  }

  /** Waits until the server serves: it would only hang up, and the client would only try again. */
  #dialOwnServer(header: PipeHeader, handler: PipeHandler): Pipe {
    const pipe = new PendingPipe(handler);
    if (this.#status.serving) pipe.attach(this.#worker.open(header, pipe.linkHandler));
    else {
      this.#waitingDials = this.#waitingDials.filter((waiting) => !waiting.pipe.closed);
      this.#waitingDials.push({ header, pipe });
    }
    return pipe;
  }

  #letClientsIn(): void {
    for (const { header, pipe } of this.#waitingDials) {
      if (!pipe.closed) pipe.attach(this.#worker.open(header, pipe.linkHandler));
    }
    this.#waitingDials = [];
  }

  #changed(): void {
    if (this.#changePending) return;
    this.#changePending = true;
    this.#worker.clock.after(CHANGE_INTERVAL_MS, () => {
      this.#changePending = false;
      for (const listener of this.#changeListeners) listener();
    });
  }
}
