/** Reads all of one server's tree through a client of its own, holds it against the log, and compares it with another's. */

import type { Sid } from '../../wire/ids.ts';
import { writePathRequest, writeReadRequest } from '../../wire/clientRequests.ts';
import { readGetChildren2Response, readGetDataResponse } from '../../wire/clientResponses.ts';
import { ErrorCode } from '../../wire/errorCodes.ts';
import { OpCode } from '../../wire/opCodes.ts';
import type { Ensemble } from '../ensemble.ts';
import type { ClientJudge } from './clientJudge.ts';
import { RunClient } from './runClient.ts';
import { RunViolation } from './runViolation.ts';
import type { TreeModel } from './treeModel.ts';

const SESSION_TIMEOUT_MS = 8_000;
const RETRY_MS = 100;

export class TreeWalk {
  readonly #ensemble: Ensemble;
  readonly #tree: TreeModel;
  readonly #judge: ClientJudge;
  readonly sid: Sid;
  readonly #client: RunClient;
  readonly #seen = new Map<string, string>();
  #waiting: string[] = [];
  #done = false;

  constructor(ensemble: Ensemble, tree: TreeModel, judge: ClientJudge, sid: Sid) {
    this.#ensemble = ensemble;
    this.#tree = tree;
    this.#judge = judge;
    this.sid = sid;
    const world = ensemble.simulation.machine(`walker-${sid}`, sid).boot();
    this.#client = new RunClient(world, SESSION_TIMEOUT_MS, {
      connected: () => this.#sync(),
      lost: () => {
        if (!this.#done) world.clock.after(RETRY_MS, () => this.start());
      },
      event: () => {},
    });
  }

  get done(): boolean {
    return this.#done;
  }

  start(): void {
    this.#seen.clear();
    this.#client.connect(this.#ensemble.clientAddress(this.sid));
  }

  /** Throws unless the other server has shown the same, stat by stat. */
  compare(other: TreeWalk): void {
    for (const path of new Set([...this.#seen.keys(), ...other.#seen.keys()])) {
      const [mine, theirs] = [this.#seen.get(path), other.#seen.get(path)];
      if (mine === theirs) continue;
      throw new RunViolation(
        `servers ${this.sid} and ${other.sid} differ at ${path}: ${mine ?? 'nothing'} and ${theirs ?? 'nothing'}`,
      );
    }
  }

  #sync(): void {
    const path = '/';
    this.#client.request(
      OpCode.sync,
      (writer) => writePathRequest(writer, { path }),
      (reply) => {
        if (reply === null) return;
        this.#waiting = ['/', ...this.#tree.paths];
        this.#readNext();
      },
    );
  }

  #readNext(): void {
    const path = this.#waiting.shift();
    if (path === undefined) {
      this.#done = true;
      return;
    }
    this.#client.request(
      OpCode.getData,
      (writer) => writeReadRequest(writer, { path, watch: false }),
      (reply) => {
        if (reply === null) return;
        const node = reply.error === ErrorCode.Ok ? readGetDataResponse(reply.body) : null;
        if (path !== '/') this.#judge.shows(path, reply.zxid, node);
        if (node === null) return this.#readNext();
        this.#readChildren(path, JSON.stringify(node.stat, plain));
      },
    );
  }

  #readChildren(path: string, stat: string): void {
    this.#client.request(
      OpCode.getChildren2,
      (writer) => writeReadRequest(writer, { path, watch: false }),
      (reply) => {
        if (reply === null) return;
        const { children } = readGetChildren2Response(reply.body);
        const names = children.filter((name) => path !== '/' || name !== 'zookeeper').sort();
        const expected = this.#tree.childrenAt(path, reply.zxid);
        if (names.join() !== expected.join()) {
          throw new RunViolation(
            `server ${this.sid} shows [${names.join(', ')}] under ${path}; by the log it is [${expected.join(', ')}]`,
          );
        }
        this.#seen.set(path, stat);
        this.#readNext();
      },
    );
  }
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
