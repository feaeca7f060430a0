/** Ensembles of both kinds for one test: what it makes is gone when the test is over, passed, failed or timed out. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type PortBlock, reservePorts } from './ports.ts';
import { until } from './patience.ts';
import { HOST, type Kind, ServerProcess } from './serverProcess.ts';

export interface EnsembleOptions {
  /** These sids observe. */
  readonly observers?: readonly number[];
  /** More lines for every `zoo.cfg`, such as `snapCount=50`. */
  readonly config?: readonly string[];
  /** They start one after another in this order; all at once if not given, nobody if empty. */
  readonly startOrder?: readonly number[];
}

/** Long enough that a busy machine loses nobody; closed connections are noticed at once all the same. */
const TIMING = [
  'tickTime=500',
  'initLimit=20',
  'syncLimit=20',
  'maxSessionTimeout=120000',
  // Five tries: a virtual machine that has just been elected may take longer than half a second to listen.
  'leaderConnectDelayDuringRetryMs=400',
];
const COMMON = ['admin.enableServer=false', '4lw.commands.whitelist=*'];

export class MixedEnsemble {
  readonly servers: readonly ServerProcess[];
  readonly #folder: string;
  readonly #block: PortBlock;

  constructor(servers: readonly ServerProcess[], folder: string, block: PortBlock) {
    this.servers = servers;
    this.#folder = folder;
    this.#block = block;
  }

  server(sid: number): ServerProcess {
    const found = this.servers.find((server) => server.sid === sid);
    if (found === undefined) throw new Error(`there is no server ${sid}`);
    return found;
  }

  get running(): readonly ServerProcess[] {
    return this.servers.filter((server) => server.running);
  }

  /** Client addresses of these sids; of all if none is named. */
  addresses(...sids: readonly number[]): readonly string[] {
    const chosen = sids.length === 0 ? this.servers : sids.map((sid) => this.server(sid));
    return chosen.map((server) => server.clientAddress);
  }

  /** Resolves with the leader when every running server (or each of these) serves and one of the running ones leads. */
  async waitForServing(...sids: readonly number[]): Promise<ServerProcess> {
    const waited = sids.length === 0 ? this.running : sids.map((sid) => this.server(sid));
    return until(`servers ${waited.map(({ sid }) => sid).join(', ')} serve`, async () => {
      const dead = waited.find((server) => !server.running);
      if (dead !== undefined) {
        throw new Error(`server ${dead.sid} has ended with ${dead.exitCode ?? 'a signal'}`);
      }
      const modes = await Promise.all(waited.map((server) => server.mode()));
      return modes.includes(null) ? null : this.leader();
    });
  }

  /** Who says that it leads, if anybody. */
  async leader(): Promise<ServerProcess | null> {
    for (const server of this.running) if ((await server.mode()) === 'leader') return server;
    return null;
  }

  /** Starts each of these when the one before has begun to look for the others. */
  async startInOrder(sids: readonly number[]): Promise<void> {
    for (const sid of sids) {
      const server = this.server(sid);
      server.start();
      await until(`server ${sid} is up`, async () => {
        if (!server.running) throw new Error(`server ${sid} has ended`);
        return (await server.ask('srvr')) !== null;
      });
    }
  }

  /** The first two of these make the quorum, the others join them. Resolves with the leader when all serve. */
  async gather(sids: readonly number[]): Promise<ServerProcess> {
    const founders = sids.slice(0, 2);
    await this.startInOrder(founders);
    await this.waitForServing(...founders);
    await this.startInOrder(sids.slice(2));
    return this.waitForServing(...sids);
  }

  /** All that run, in good order and one after another, so that their last words are in their logs. */
  async stopAll(): Promise<void> {
    for (const server of this.running) await server.stop();
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()));
    await this.#block.release();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * An ensemble by sid and kind, started. Sids count from 1. It is taken away when the running test has finished; if that
 * failed, the ends of all logs are printed first.
 */
export async function mixedEnsemble(
  kinds: Readonly<Record<number, Kind>>,
  options: EnsembleOptions = {},
): Promise<MixedEnsemble> {
  const block = await reservePorts();
  const folder = mkdtempSync(join(tmpdir(), 'tabkeeper-interop-'));
  const port = (index: number): number => {
    const found = block.ports[index];
    if (found === undefined) throw new Error('an ensemble has at most seven servers here');
    return found;
  };
  const members = Object.entries(kinds).map(([text, kind], i) => {
    const sid = Number(text);
    const role = options.observers?.includes(sid) === true ? 'observer' : 'participant';
    const clientPort = port(3 * i);
    const line = `server.${sid}=${HOST}:${port(3 * i + 1)}:${port(3 * i + 2)}:${role};${HOST}:${clientPort}`;
    return { sid, kind, clientPort, line };
  });
  const configLines = [
    ...TIMING,
    ...COMMON,
    ...(options.config ?? []),
    ...members.map(({ line }) => line),
  ];
  const servers = members.map(({ sid, kind, clientPort }) => {
    const own = join(folder, `server.${sid}`);
    mkdirSync(own);
    return new ServerProcess({ sid, folder: own, clientPort, configLines }, kind);
  });
  const ensemble = new MixedEnsemble(servers, folder, block);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') {
      console.error(servers.map((server) => server.logTails()).join('\n'));
    }
    await ensemble.close();
  });
  if (options.startOrder === undefined) for (const server of servers) server.start();
  else await ensemble.startInOrder(options.startOrder);
  return ensemble;
}
