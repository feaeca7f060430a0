/**
 * One seat of an ensemble: its folder, its ports, and the process that fills it, Apache ZooKeeper or Tabkeeper. The
 * same seat can be filled by either kind in turn, over the same data directory.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './patience.ts';

export type Kind = 'apache' | 'tabkeeper';

export interface Seat {
  readonly sid: number;
  readonly folder: string;
  readonly clientPort: number;
  /** `zoo.cfg` but for `dataDir`, which is `data` in the folder. */
  readonly configLines: readonly string[];
}

export const HOST = '127.0.0.1';
const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const PROGRAM = join(PROJECT, 'bin/tabkeeper.js');
const JARS = ['zookeeper.jar', 'slf4j-log4j12.jar', 'log4j-1.2.jar'].map(
  (jar) => `/usr/share/java/${jar}`,
);
/** A server that is told to stop in good order and does not is killed, and the test fails. */
const STOP_LIMIT_MS = 20_000;
const ANSWER_LIMIT_MS = 3_000;
const TAIL_LINE_COUNT = 60;

const LOG4J = `log4j.rootLogger=INFO, OUT
log4j.appender.OUT=org.apache.log4j.ConsoleAppender
log4j.appender.OUT.layout=org.apache.log4j.PatternLayout
log4j.appender.OUT.layout.ConversionPattern=%d{ISO8601} %-5p %C{1}@%L: %m%n
`;

export class ServerProcess {
  readonly seat: Seat;
  #kind: Kind;
  #child: ChildProcess | null = null;
  #closed = false;

  constructor(seat: Seat, kind: Kind) {
    this.seat = seat;
    this.#kind = kind;
    mkdirSync(this.dataDir, { recursive: true });
    writeFileSync(join(this.dataDir, 'myid'), `${seat.sid}\n`);
  }

  get sid(): number {
    return this.seat.sid;
  }

  /** Of the process that runs now, or ran last. */
  get kind(): Kind {
    return this.#kind;
  }

  get dataDir(): string {
    return join(this.seat.folder, 'data');
  }

  get clientAddress(): string {
    return `${HOST}:${this.seat.clientPort}`;
  }

  get pid(): number | null {
    return this.running ? (this.#child?.pid ?? null) : null;
  }

  get running(): boolean {
    const child = this.#child;
    return child !== null && child.exitCode === null && child.signalCode === null;
  }

  /** What the process ended with, once it has. */
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** Starts the process; `extra` lines count for this start only. Does not wait: see `waitForServing`. */
  start(kind: Kind = this.#kind, extra: readonly string[] = []): void {
    if (this.#closed) throw new Error('the test is over: nothing is started any more');
    if (this.running) throw new Error(`server ${this.sid} runs already`);
    this.#kind = kind;
    const { folder, configLines } = this.seat;
    const config = join(folder, 'zoo.cfg');
    const lines = [...configLines, ...extra, `dataDir=${this.dataDir}`];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const out = openSync(this.#logFile(kind), 'a');
    const command = commandOf(kind, folder, lines);
    // setpriv: the server dies with this process, however that ends.
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command, config], {
      cwd: folder,
      stdio: ['ignore', out, out],
    });
    closeSync(out);
  }

  /** Stops in good order (SIGTERM) and resolves when the process has ended. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Kills the process if it runs; nothing can be started any more. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.running) await this.#end('SIGKILL');
  }

  /** The answer to a four-letter word; null if there is none. */
  ask(word: string): Promise<string | null> {
    return fourLetterWord(this.seat.clientPort, word);
  }

  /** `leader`, `follower`, `observer`, `standalone`; null while it does not serve. */
  async mode(): Promise<string | null> {
    return /^Mode: (\w+)$/m.exec((await this.ask('srvr')) ?? '')?.[1] ?? null;
  }

  /** All that this kind has printed in this seat. */
  log(kind: Kind = this.#kind): string {
    const file = this.#logFile(kind);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** For people who look at a failed test. */
  logTails(): string {
    return (['apache', 'tabkeeper'] as const)
      .map((kind) => ({ kind, lines: this.log(kind).split('\n') }))
      .filter(({ lines }) => lines.length > 1)
      .map(
        ({ kind, lines }) =>
          `--- server ${this.sid}, ${kind}\n${lines.slice(-TAIL_LINE_COUNT).join('\n')}`,
      )
      .join('\n');
  }

  #logFile(kind: Kind): string {
    return join(this.seat.folder, `${kind}.log`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null || !this.running) throw new Error(`server ${this.sid} does not run`);
    child.kill(signal);
    try {
      await until(`server ${this.sid} ends after ${signal}`, () => !this.running, STOP_LIMIT_MS);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }
}

/** How to start a server of that kind; a `zoo.cfg` comes after it. */
export function commandOf(kind: Kind, folder: string, configLines: readonly string[]): string[] {
  writeFileSync(join(folder, 'log4j.properties'), LOG4J);
  return kind === 'apache'
    ? apacheCommand(folder, configLines)
    : [process.execPath, PROGRAM, 'server'];
}

function apacheCommand(folder: string, configLines: readonly string[]): string[] {
  // Some are read before the file is; as properties they count in either order.
  const properties = configLines
    .filter((line) => !/^(server|group|weight)\./.test(line))
    .map((line) => `-Dzookeeper.${line}`);
  return [
    '/usr/bin/java',
    '-Xmx128m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-XX:-UsePerfData',
    '-Xshare:auto',
    '-Djava.net.preferIPv4Stack=true',
    `-Dlog4j.configuration=file:${join(folder, 'log4j.properties')}`,
    '-Dzookeeper.jmx.log4j.disable=true',
    ...properties,
    '-cp',
    JARS.join(':'),
    'org.apache.zookeeper.server.quorum.QuorumPeerMain',
  ];
}

/** Asks a server on this machine; null when nobody answers. */
function fourLetterWord(port: number, word: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    let answer = '';
    const finish = (text: string | null): void => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(ANSWER_LIMIT_MS, () => finish(null));
    socket.on('connect', () => socket.write(word));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => finish(null));
    socket.on('end', () => finish(answer));
  });
}
