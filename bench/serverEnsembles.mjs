/** Servers of either kind as processes of this machine: started, stopped, killed, and what they cost. Linux only. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HOST = '127.0.0.1';
const SIDS = [1, 2, 3];
const PATIENCE_MS = 30_000;
const POLL_MS = 1;
/** Apache's server has been seen to take a connection while it started, and never to answer or close it. */
const ANSWER_MS = 1_000;
/** What Linux counts a process's time in (`getconf CLK_TCK`). */
const CPU_TICK_MS = 10;
const JARS = ['zookeeper.jar', 'slf4j-log4j12.jar', 'log4j-1.2.jar'].map((name) =>
  join('/usr/share/java', name),
);

/** What Debian's ZooKeeper needs and this machine lacks; empty where Apache can be measured. */
export function missingForApache() {
  const java = (process.env.PATH ?? '')
    .split(delimiter)
    .some((folder) => existsSync(join(folder, 'java')));
  return [...(java ? [] : ['java']), ...JARS.filter((jar) => !existsSync(jar))];
}

/** How a server of each kind is started: program and arguments before the path of its zoo.cfg. */
export const kinds = {
  tabkeeper: (_folder, options = []) => [
    process.execPath,
    ...options,
    resolve('dist/node/tabkeeper.js'),
    'server',
  ],
  apache: (folder, options = ['-Xms512m', '-Xmx512m']) => {
    const logging = join(folder, 'log4j.properties');
    writeFileSync(
      logging,
      [
        'log4j.rootLogger=INFO, FILE',
        'log4j.appender.FILE=org.apache.log4j.FileAppender',
        `log4j.appender.FILE.File=${join(folder, 'zk.log')}`,
        'log4j.appender.FILE.layout=org.apache.log4j.PatternLayout',
        'log4j.appender.FILE.layout.ConversionPattern=%d{ISO8601} %-5p [%t:%C{1}@%L] %m%n',
        '',
      ].join('\n'),
    );
    return [
      'java',
      ...options,
      '-XX:+UseSerialGC',
      '-Djava.net.preferIPv4Stack=true',
      `-Dlog4j.configuration=file:${logging}`,
      '-Dzookeeper.jmx.log4j.disable=true',
      ...['-cp', JARS.join(delimiter)],
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
    ];
  },
};

/** A four-letter word's answer; empty when nobody answers (in time). */
function ask({ host, port }, word) {
  return new Promise((answer) => {
    let text = '';
    const socket = connect({ host, port }, () => socket.write(word));
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.on('data', (bytes) => (text += bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => answer(text));
  });
}

/** `leader`, `follower`, `standalone`; null while it serves nobody. */
async function modeOf(address) {
  return /^Mode: (.*)$/m.exec(await ask(address, 'srvr'))?.[1] ?? null;
}

async function until(condition, what) {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
    await sleep(POLL_MS);
  }
}

/** `sid` null: it stands alone. */
function zooCfg(folder, basePort, sid) {
  const common = [
    'tickTime=2000',
    `dataDir=${join(folder, 'data')}`,
    'admin.enableServer=false',
    '4lw.commands.whitelist=srvr',
  ];
  const alone = [`clientPort=${basePort}`, `clientPortAddress=${HOST}`];
  const members = SIDS.map((each) => {
    const [client, quorum, election] = [0, 100, 200].map((range) => basePort + range + each);
    return `server.${each}=${HOST}:${quorum}:${election};${HOST}:${client}`;
  });
  const rest = sid === null ? alone : ['initLimit=10', 'syncLimit=5', ...members];
  return `${[...common, ...rest].join('\n')}\n`;
}

/** No server outlives the benchmark, however it ends. */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One server: its folder, its address, and its process while it runs. */
export class ServerProcess {
  address;
  #command;
  #child = null;
  #ended = Promise.resolve();

  constructor(kind, folder, basePort, sid, options) {
    this.address = { host: HOST, port: basePort + (sid ?? 0) };
    mkdirSync(join(folder, 'data'), { recursive: true });
    const config = join(folder, 'zoo.cfg');
    writeFileSync(config, zooCfg(folder, basePort, sid));
    if (sid !== null) writeFileSync(join(folder, 'data', 'myid'), `${sid}\n`);
    this.#command = { folder, words: [...kinds[kind](folder, options), config] };
  }

  start() {
    const { folder, words } = this.#command;
    const log = openSync(join(folder, 'out.log'), 'a');
    const [program, ...args] = words;
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.#ended = new Promise((resolve) => child.once('exit', resolve));
  }

  signal(name) {
    this.#child?.kill(name);
  }

  async stop(signal = 'SIGTERM') {
    this.signal(signal);
    await this.#ended;
  }

  mode() {
    return modeOf(this.address);
  }

  async serving() {
    await until(async () => (await this.mode()) !== null, `port ${this.address.port} serves`);
  }

  get pid() {
    return this.#child.pid;
  }

  /** User and system time so far. */
  get cpuMs() {
    const [user, system] = this.#proc('stat').split(') ')[1].split(' ').slice(11, 13);
    return (Number(user) + Number(system)) * CPU_TICK_MS;
  }

  get residentMb() {
    return Number(/^VmRSS:\s+(\d+)/m.exec(this.#proc('status'))[1]) / 1024;
  }

  #proc(file) {
    return readFileSync(`/proc/${this.pid}/${file}`, 'utf8');
  }
}

export class Ensemble {
  kind;
  servers;

  /** `options` are the runtime's own: of `node` or of `java`. */
  constructor(kind, folder, basePort, options) {
    this.kind = kind;
    this.servers = SIDS.map(
      (sid) => new ServerProcess(kind, join(folder, `server.${sid}`), basePort, sid, options),
    );
  }

  get addresses() {
    return this.servers.map((server) => server.address);
  }

  async start() {
    for (const server of this.servers) server.start();
    await Promise.all(this.servers.map((server) => server.serving()));
  }

  async stop(signal) {
    await Promise.all(this.servers.map((server) => server.stop(signal)));
  }

  async leader() {
    const modes = await Promise.all(this.servers.map((server) => server.mode()));
    return this.servers[modes.indexOf('leader')];
  }
}
