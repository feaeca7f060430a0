/** One ensemble of each kind, of the same shape, both empty when the pair is made. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../frame/patience.ts';
import { reservePorts, type PortBlock } from '../frame/ports.ts';
import { HOST, ServerProcess, type Kind } from '../frame/serverProcess.ts';
import { Conversation, type Outcome } from './conversation.ts';
import type { Step } from './scripts.ts';

/** What the scripts of a pair find: stand-alone servers, or ensembles of three, a session on each server. */
export type Shape = 'alone' | 'ensemble';

/** Long ticks, so that no session ends unasked. */
const CONFIG = [
  'tickTime=2000',
  'initLimit=20',
  'syncLimit=10',
  'admin.enableServer=false',
  '4lw.commands.whitelist=*',
  'maxClientCnxns=0',
  'extendedTypesEnabled=true',
  'enforceQuota=true',
];

/** After a minute servers look for containers and TTL nodes to remove, each at its own moment. */
const CONTAINER_CHECK_MS = 60_000;
/** A pair is given up before that. */
const MAX_AGE_MS = 40_000;

export class Pair {
  readonly #shape: Shape;
  readonly #made = performance.now();
  readonly #folder = mkdtempSync(join(tmpdir(), 'tabkeeper-differential-'));
  readonly #blocks: PortBlock[] = [];
  readonly #servers: Record<Kind, ServerProcess[]> = { apache: [], tabkeeper: [] };

  private constructor(shape: Shape) {
    this.#shape = shape;
  }

  static async start(shape: Shape): Promise<Pair> {
    const pair = new Pair(shape);
    await Promise.all([pair.#start('apache'), pair.#start('tabkeeper')]);
    return pair;
  }

  get isOld(): boolean {
    return performance.now() - this.#made > MAX_AGE_MS;
  }

  /** A script that ended now may have met servers that removed nodes of their own accord. */
  get mayHaveTidied(): boolean {
    return performance.now() - this.#made > CONTAINER_CHECK_MS;
  }

  /** Plays the same script to both, below `base`. */
  async play(steps: readonly Step[], base: string): Promise<Record<Kind, readonly Outcome[]>> {
    const talk = (kind: Kind): Promise<readonly Outcome[]> => {
      const addresses = this.#servers[kind].map((server) => server.clientAddress);
      return new Conversation(addresses, base).play(steps);
    };
    const [apache, tabkeeper] = await Promise.all([talk('apache'), talk('tabkeeper')]);
    return { apache, tabkeeper };
  }

  async close(): Promise<void> {
    const servers = [...this.#servers.apache, ...this.#servers.tabkeeper];
    await Promise.all(servers.map((server) => server.close()));
    await Promise.all(this.#blocks.map((block) => block.release()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(kind: Kind): Promise<void> {
    const block = await reservePorts();
    this.#blocks.push(block);
    const port = (index: number): number => block.ports[index] ?? 0;
    const sids = this.#shape === 'alone' ? [1] : [1, 2, 3];
    const members = sids.map((sid, i) => {
      const [client, quorum, election] = [port(3 * i), port(3 * i + 1), port(3 * i + 2)];
      const line = `server.${sid}=${HOST}:${quorum}:${election};${HOST}:${client}`;
      return { sid, client, line };
    });
    for (const { sid, client } of members) {
      const folder = join(this.#folder, `${kind}.${sid}`);
      mkdirSync(folder);
      const where =
        this.#shape === 'alone'
          ? [`clientPort=${client}`, `clientPortAddress=${HOST}`]
          : members.map(({ line }) => line);
      const seat = { sid, folder, clientPort: client, configLines: [...CONFIG, ...where] };
      const server = new ServerProcess(seat, kind);
      this.#servers[kind].push(server);
      server.start();
    }
    await until(`${kind} serves`, async () => {
      const modes = await Promise.all(this.#servers[kind].map((server) => server.mode()));
      return !modes.includes(null);
    });
  }
}
