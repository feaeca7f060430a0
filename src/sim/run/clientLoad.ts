/**
 * One client of a simulated run: connects, writes, reads and watches without pause through every failure, and hands each
 * answer to the judge.
 */

import type { World } from '../../ports/world.ts';
import {
  writeCreateRequest,
  writePathRequest,
  writeReadRequest,
} from '../../wire/clientRequests.ts';
import {
  readGetChildren2Response,
  readGetDataResponse,
  readPathResponse,
} from '../../wire/clientResponses.ts';
import { CreateMode } from '../../wire/createModes.ts';
import { OPEN_ACL_UNSAFE, readStat } from '../../wire/dataRecords.ts';
import { ErrorCode } from '../../wire/errorCodes.ts';
import type { Sid } from '../../wire/ids.ts';
import type { JuteWriter } from '../../wire/jute.ts';
import { readMultiResponse, writeMultiRequest } from '../../wire/multiRecords.ts';
import { OpCode } from '../../wire/opCodes.ts';
import type { WatcherEvent } from '../../wire/watchRecords.ts';
import { EventType } from '../../wire/watchTypes.ts';
import type { Ensemble } from '../ensemble.ts';
import type { SimRandom } from '../simRandom.ts';
import type { ClientJudge } from './clientJudge.ts';
import { ClientWatches } from './clientWatches.ts';
import type { NodeInput, NodeOutput } from './nodeRegister.ts';
import { encodeWrite, isAnswer, outputOf } from './nodeRequests.ts';
import type { SharedNodes } from './sharedNodes.ts';
import { type Answered, RunClient, type RunReply } from './runClient.ts';
import { RunViolation } from './runViolation.ts';
import { SEQUENCE_PARENT } from './treeModel.ts';

/** Requests under way at one time, at most. */
const MAX_BATCH_COUNT = 6;
const MAX_PAUSE_MS = 150;
const RETRY_MS = 50;
/** A server that answers nothing for so long is left for another. */
const PATIENCE_MS = 2_500;
/** The shorter one ends in many a fault: in an election, a freeze. */
const SESSION_TIMEOUTS_MS = [4_000, 4_000, 600] as const;
/** A session that has moved is used so much later by who still holds the old connection. */
const LATE_MS = 20;
const MAX_DOZE_MS = 1_500;
/** What the clients of one run share. */
export interface LoadContext {
  readonly ensemble: Ensemble;
  readonly judge: ClientJudge;
  readonly note: (what: string) => void;
  /** How long clients are to ask for nothing new. */
  readonly restMs: () => number;
  /** A reply of this server now is one of the newest reign. */
  readonly isCurrent: (sid: Sid) => boolean;
}

export class ClientLoad {
  readonly #context: LoadContext;
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #nodes: SharedNodes;
  readonly #client: RunClient;
  readonly #name: string;
  readonly #watches: ClientWatches;
  /** The version each node had when it was last seen, to write on the condition of it. */
  readonly #versions = new Map<string, number>();
  #server: Sid;
  #lifeOfServer = 0;
  #waitingCount = 0;
  #valueCount = 0;
  #stopping = false;
  #done = false;

  constructor(
    context: LoadContext,
    world: World,
    name: string,
    nodes: SharedNodes,
    random: SimRandom,
  ) {
    this.#context = context;
    this.#world = world;
    this.#name = name;
    this.#nodes = nodes;
    this.#random = random;
    this.#server = random.pick(context.ensemble.sids);
    this.#watches = new ClientWatches(context.judge);
    this.#client = new RunClient(world, random.pick(SESSION_TIMEOUTS_MS), {
      connected: (renewed) => this.#connected(renewed),
      lost: (expired) => this.#lost(expired),
      event: (event) => this.#event(event),
    });
  }

  start(): void {
    this.#connect();
  }

  /** Finishes what is under way, closes its session and is done. */
  stop(): void {
    this.#stopping = true;
  }

  get done(): boolean {
    return this.#done;
  }

  #connect(): void {
    if (this.#done) return;
    if (this.#stopping && this.#client.sessionId === 0n) {
      this.#done = true;
      return;
    }
    this.#server = this.#random.pick(this.#context.ensemble.sids);
    const life = ++this.#lifeOfServer;
    this.#client.connect(this.#context.ensemble.clientAddress(this.#server));
    this.#world.clock.after(PATIENCE_MS, () => {
      if (life === this.#lifeOfServer && !this.#client.connected) this.#client.disconnect();
    });
  }

  #connected(renewed: boolean): void {
    this.#context.note(renewed ? 'client: session renewed' : 'client: session opened');
    if (this.#watches.size > 0) this.#setWatchesAnew();
    this.#goOn();
  }

  #lost(expired: boolean): void {
    this.#lifeOfServer++;
    this.#waitingCount = 0;
    this.#context.note(expired ? 'client: session expired' : 'client: connection lost');
    if (expired) this.#watches.clear();
    this.#after(this.#random.between(0, RETRY_MS), () => this.#connect());
  }

  #after(delayMs: number, task: () => void): void {
    this.#world.clock.after(delayMs, task);
  }

  /** The next few requests, sent in one go. */
  #goOn(): void {
    if (!this.#client.connected || this.#waitingCount > 0) return;
    if (this.#stopping) return this.#close();
    const restMs = this.#context.restMs();
    if (restMs > 0) return this.#after(restMs, () => this.#goOn());
    const chance = this.#random.fraction();
    if (chance < 0.02) return this.#client.disconnect();
    if (chance < 0.025) return this.#abandon();
    if (chance < 0.04) return this.#move();
    if (chance < 0.06) {
      this.#context.note('client: reads slowly');
      this.#client.doze(this.#random.between(0, MAX_DOZE_MS));
    }
    const count = this.#random.integer(1, MAX_BATCH_COUNT);
    for (let index = 0; index < count && this.#client.connected; index++) this.#act();
    if (this.#random.chance(0.02)) this.#closeInMidWork();
    this.#watchPatience();
  }

  /** Closes behind requests that are not answered yet; and, against all manners, asks for more. */
  #closeInMidWork(): void {
    this.#ephemeral();
    this.#close();
    if (this.#random.chance(0.5)) this.#ephemeral();
  }

  /** Leaves its session to expire, with what it owns. */
  #abandon(): void {
    this.#context.note('client: session abandoned');
    this.#client.forgetSession();
    this.#watches.clear();
    this.#client.disconnect();
  }

  /** Goes to another server without a word to the old one, where something is written in its name all the same. */
  #move(): void {
    this.#context.note('client: session moved');
    const writeOnOld = this.#client.leaveBehind();
    const path = this.#nodes.pick(this.#random);
    this.#after(LATE_MS * this.#random.fraction(), () => {
      const input = { kind: 'set', value: this.#value(), expected: -1 } as const;
      // Nobody reads the answer: it may be done or not.
      this.#context.judge.called(path, input);
      const { op, write } = encodeWrite(path, input);
      writeOnOld(op, write);
    });
    this.#lost(false);
  }

  #watchPatience(): void {
    const life = this.#lifeOfServer;
    const waiting = this.#client.pendingCount;
    if (waiting === 0) return;
    this.#after(PATIENCE_MS, () => {
      if (life !== this.#lifeOfServer || !this.#client.connected) return;
      if (this.#waitingCount > 0) this.#client.disconnect();
    });
  }

  #close(): void {
    this.#request(
      OpCode.closeSession,
      () => {},
      (reply) => {
        if (reply === null) return;
        this.#context.note('client: session closed');
        this.#client.forgetSession();
        this.#watches.clear();
        this.#client.disconnect();
      },
    );
    this.#watchPatience();
  }

  #act(): void {
    const chance = this.#random.fraction();
    const path = this.#nodes.pick(this.#random);
    if (chance < 0.12) return this.#write(path, { kind: 'create', value: this.#value() });
    if (chance < 0.34)
      return this.#write(path, { kind: 'set', value: this.#value(), expected: -1 });
    if (chance < 0.46) {
      const expected = this.#versions.get(path) ?? 0;
      return this.#write(path, { kind: 'set', value: this.#value(), expected });
    }
    if (chance < 0.52) return this.#write(path, { kind: 'delete', expected: -1 });
    if (chance < 0.56) return this.#readChildren();
    if (chance < 0.64) return this.#read(path, this.#random.chance(0.6));
    if (chance < 0.74) return this.#syncedRead(path);
    if (chance < 0.82) return this.#ephemeral();
    if (chance < 0.9) return this.#sequential();
    return this.#multi();
  }

  #value(): string {
    return `${this.#name}.${++this.#valueCount}`;
  }

  #request(op: number, write: (writer: JuteWriter) => void, answered: Answered): void {
    this.#waitingCount++;
    this.#client.request(op, write, (reply) => {
      if (reply !== null) this.#watches.judge(reply.zxid);
      answered(reply);
      this.#answered();
    });
  }

  #answered(): void {
    if (this.#waitingCount === 0) return;
    this.#waitingCount--;
    if (this.#waitingCount === 0 && this.#client.connected) {
      this.#after(this.#random.between(0, MAX_PAUSE_MS), () => this.#goOn());
    }
  }

  #write(path: string, input: NodeInput & { kind: 'create' | 'set' | 'delete' }): void {
    const { judge } = this.#context;
    const open = judge.called(path, input);
    const { op, write } = encodeWrite(path, input);
    this.#request(op, write, (reply) => {
      this.#context.note(`client: ${input.kind}`);
      const output = reply === null ? null : outputOf(reply, input.kind);
      if (reply !== null && output !== null) {
        judge.wrote(path, reply.zxid, input, output);
        if (output.ok && output.version >= 0) this.#versions.set(path, output.version);
      }
      judge.returned(open, output);
    });
  }

  #read(path: string, watch: boolean): void {
    const exists = this.#random.chance(0.3);
    this.#request(
      exists ? OpCode.exists : OpCode.getData,
      (writer) => writeReadRequest(writer, { path, watch }),
      (reply) => {
        if (reply === null || !isAnswer(reply)) return;
        this.#context.note(watch ? 'client: watch set' : 'client: read');
        const { zxid } = reply;
        if (reply.error === ErrorCode.NoNode) {
          this.#context.judge.shows(path, zxid, null);
          // getData leaves a watch only on a node that is there.
          if (watch && exists) this.#watches.watchData(path, zxid, false);
          return;
        }
        const seen = exists ? { stat: readStat(reply.body) } : readGetDataResponse(reply.body);
        this.#context.judge.shows(path, zxid, seen);
        this.#versions.set(path, seen.stat.version);
        if (watch) this.#watches.watchData(path, zxid, true);
      },
    );
  }

  /** Of the node whose children come and go with their names given by the server. */
  #readChildren(): void {
    const path = SEQUENCE_PARENT;
    this.#request(
      OpCode.getChildren2,
      (writer) => writeReadRequest(writer, { path, watch: true }),
      (reply) => {
        if (reply?.error !== ErrorCode.Ok) return;
        this.#context.note('client: child watch set');
        this.#context.judge.showsChildren(
          path,
          reply.zxid,
          readGetChildren2Response(reply.body).children,
        );
        this.#watches.watchChildren(path, reply.zxid);
      },
    );
  }

  /** `sync` and then a read: the newest state, as long as the server's leader is the newest. */
  #syncedRead(path: string): void {
    const { judge } = this.#context;
    let synced = false;
    const open = judge.called(path, { kind: 'read' });
    this.#request(
      OpCode.sync,
      (writer) => writePathRequest(writer, { path }),
      (reply) => {
        synced = reply?.error === ErrorCode.Ok;
      },
    );
    this.#request(
      OpCode.getData,
      (writer) => writeReadRequest(writer, { path, watch: false }),
      (reply) => {
        this.#context.note('client: synced read');
        if (reply === null || !isAnswer(reply)) return judge.returned(open, null);
        const seen = reply.error === ErrorCode.NoNode ? null : readGetDataResponse(reply.body);
        judge.shows(path, reply.zxid, seen);
        const output: NodeOutput =
          seen === null
            ? { ok: false, error: ErrorCode.NoNode }
            : {
                ok: true,
                version: seen.stat.version,
                value: new TextDecoder().decode(seen.data ?? new Uint8Array()),
              };
        judge.returned(open, output, synced && this.#context.isCurrent(this.#server));
      },
    );
  }

  #ephemeral(): void {
    const path = `/e-${this.#value()}`;
    const input: NodeInput = { kind: 'create', value: '' };
    this.#createNode(path, CreateMode.EPHEMERAL, (reply) => {
      this.#context.note('client: ephemeral');
      if (reply.error === ErrorCode.Ok) {
        this.#context.judge.wrote(path, reply.zxid, input, { ok: true, version: 0, value: null });
      }
    });
  }

  #sequential(): void {
    const mode = this.#random.pick([
      CreateMode.PERSISTENT_SEQUENTIAL,
      CreateMode.EPHEMERAL_SEQUENTIAL,
    ]);
    this.#createNode(`${SEQUENCE_PARENT}/n-`, mode, (reply) => {
      if (reply.error === ErrorCode.NoNode)
        return this.#createNode(SEQUENCE_PARENT, CreateMode.PERSISTENT, () => {});
      if (reply.error !== ErrorCode.Ok) return;
      this.#context.note('client: sequential');
      const { path } = readPathResponse(reply.body);
      this.#context.judge.wrote(
        path,
        reply.zxid,
        { kind: 'create', value: '' },
        { ok: true, version: 0, value: null },
      );
    });
  }

  #createNode(path: string, mode: CreateMode, answered: (reply: RunReply) => void): void {
    const request = { path, data: new Uint8Array(), acl: OPEN_ACL_UNSAFE, flags: mode };
    this.#request(
      OpCode.create,
      (writer) => writeCreateRequest(writer, request),
      (reply) => {
        if (reply !== null) answered(reply);
      },
    );
  }

  /** Two nodes made together: both or none. */
  #multi(): void {
    const name = this.#value();
    const create = (path: string) => ({
      type: OpCode.create,
      path,
      data: new Uint8Array(),
      acl: OPEN_ACL_UNSAFE,
      flags: CreateMode.PERSISTENT,
    });
    const paths = this.#random.chance(0.2)
      ? [`/m-${name}`, `/m-${name}`]
      : [`/m-${name}`, `/mm-${name}`];
    this.#request(
      OpCode.multi,
      (writer) => writeMultiRequest(writer, paths.map(create)),
      (reply) => {
        if (reply === null || reply.error !== ErrorCode.Ok) return;
        this.#context.note('client: multi');
        const failed = readMultiResponse(reply.body).some(({ type }) => type === OpCode.error);
        const doubled = paths[0] === paths[1];
        if (failed !== doubled) {
          throw new RunViolation(
            `a multi at ${reply.zxid} ${failed ? 'failed' : 'went'} against all sense`,
          );
        }
      },
    );
  }

  #event(event: WatcherEvent): void {
    if (event.type === EventType.None || !this.#watches.fired(event)) return;
    const isChild = event.type === EventType.NodeChildrenChanged;
    this.#context.note(isChild ? 'client: child watch fired' : 'client: watch fired');
  }

  #setWatchesAnew(): void {
    this.#waitingCount++;
    this.#client.setWatches(
      (writer) => this.#watches.write(writer, this.#client.lastZxid),
      (reply) => {
        this.#context.note('client: watches set anew');
        if (reply !== null) this.#watches.setAnew(reply.zxid);
        this.#answered();
      },
    );
  }
}
