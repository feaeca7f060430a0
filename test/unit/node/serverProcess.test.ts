/** `tabkeeper server` as a process of its own, built from the sources as they are. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ZooKeeper } from '../../../src/client/zooKeeper.ts';
import { nodeClock, nodeRandom } from '../../../src/node/nodeClock.ts';
import { TcpNetwork } from '../../../src/node/tcpNetwork.ts';
import { until } from '../../interop/frame/patience.ts';
import { type PortBlock, reservePorts } from '../../interop/frame/ports.ts';

const PATIENCE_MS = 120_000;
const HOST = '127.0.0.1';
const WRITE_COUNT = 200;

let folder: string;
let program: string;
let block: PortBlock;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tabkeeper-server-'));
  block = await reservePorts();
  // Where it finds the packages that it does not bundle.
  program = mkdtempSync(join('node_modules', '.server-'));
  await build({ configFile: 'vite.node.config.ts', logLevel: 'error', build: { outDir: program } });
}, PATIENCE_MS);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await block.release();
  rmSync(program, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

const port = (index: number): number => block.ports[index] ?? 0;

interface Run {
  readonly child: ChildProcess;
  log(): string;
  /** Its exit code, when it has ended. */
  readonly ended: Promise<number | null>;
}

/** Each run gets a folder of its own unless it is given one. `DIR` in a line stands for it. */
function run(
  lines: readonly string[],
  environment = {},
  own = mkdtempSync(join(folder, 'run-')),
): Run {
  const config = join(own, 'zoo.cfg');
  writeFileSync(config, lines.map((line) => line.replace('DIR', own)).join('\n'));
  const child = spawn(process.execPath, [join(program, 'tabkeeper.js'), 'server', config], {
    env: { ...process.env, ...environment },
  });
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  child.stderr.on('data', (chunk) => (text += String(chunk)));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, log: () => text, ended };
}

function seat(myid: string | null): string {
  const own = mkdtempSync(join(folder, 'run-'));
  if (myid !== null) writeFileSync(join(own, 'myid'), myid);
  return own;
}

const alone = (clientPort: number): string[] => ['dataDir=DIR', `clientPort=${clientPort}`];
const LIMITS = ['tickTime=500', 'initLimit=10', 'syncLimit=5'];
const members = (electionPort = port(5), clientPort = port(6)): string[] => [
  `server.1=${HOST}:${port(4)}:${electionPort}:participant;${HOST}:${clientPort}`,
  `server.2=${HOST}:${port(7)}:${port(8)}:participant;${HOST}:${port(9)}`,
  `server.3=${HOST}:${port(10)}:${port(11)}:participant;${HOST}:${port(12)}`,
];

function ask(
  clientPort: number,
  word: string,
  host = HOST,
  then: 'go on' | 'and nothing more' = 'go on',
): Promise<string | null> {
  return new Promise((resolve) => {
    const allowHalfOpen = then === 'and nothing more';
    const socket = connect({ host, port: clientPort, allowHalfOpen });
    let answer = '';
    socket.on('connect', () => {
      if (allowHalfOpen) socket.end(word);
      else socket.write(word);
    });
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.on('error', () => resolve(null));
    socket.on('end', () => resolve(answer));
  });
}

const serving = (clientPort: number, host = HOST): Promise<true> =>
  until('it serves', async () => ((await ask(clientPort, 'srvr', host)) ?? '').includes('Mode:'));

function listenOn(taken: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(taken, HOST, () => resolve(server));
  });
}

const newClient = (clientPort: number, host = HOST): ZooKeeper =>
  new ZooKeeper(
    { clock: nodeClock, random: nodeRandom, network: new TcpNetwork() },
    { addresses: [`${host}:${clientPort}`], sessionTimeoutMs: 30_000 },
  );

test(
  'what is wrong with a configuration is said in one line and gets the exit code that ZooKeeper gives it',
  { timeout: PATIENCE_MS },
  async () => {
    const cases: readonly (readonly [readonly string[], string | null, number, RegExp])[] = [
      [['clientPort=1'], null, 2, /dataDir is not set/],
      [['dataDir=DIR', 'tickTime=abc'], null, 2, /line 2: tickTime=abc: write a whole number/],
      [['dataDir=DIR', 'electionAlg=1'], null, 2, /only 3/],
      [['dataDir=DIR', ...LIMITS, ...members()], null, 2, /myid file is missing/],
      [['dataDir=DIR', ...LIMITS, ...members()], 'one', 2, /myid holds "one"/],
      [['dataDir=DIR', ...LIMITS, ...members()], '9', 1, /no line server.9/],
      [['dataDir=DIR', ...LIMITS, ...members()], '300', 1, /no line server.300/],
      [['dataDir=DIR', ...members()], '1', 2, /initLimit is not set/],
      [['dataDir=DIR', ...LIMITS, 'dynamicConfigFile=none'], '1', 2, /there is no such file/],
      [['dataDir=DIR/zoo.cfg'], null, 3, /data directory .*zoo.cfg.* cannot be used/],
      [['dataDir=DIR', 'dataLogDir=DIR/zoo.cfg'], null, 3, /cannot be used/],
    ];
    await Promise.all(
      cases.map(async ([lines, myid, exitCode, message]) => {
        const { ended, log } = run(lines, {}, seat(myid));
        expect({ exitCode: await ended, lines, log: log() }).toMatchObject({ exitCode });
        const errors = log()
          .split('\n')
          .filter((line) => line.includes(' ERROR '));
        expect(errors).toEqual([expect.stringMatching(message)]);
      }),
    );
  },
);

test('a file that is not there is an invalid invocation', { timeout: PATIENCE_MS }, async () => {
  const child = spawn(process.execPath, [
    join(program, 'tabkeeper.js'),
    'server',
    join(folder, 'none.cfg'),
  ]);
  children.push(child);
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(2);
});

test(
  'a client port in use ends it with 1, an election port in use with 14, and it says which',
  { timeout: PATIENCE_MS },
  async () => {
    const taken = await Promise.all([listenOn(port(0)), listenOn(port(1))]);
    const client = run(alone(port(0)));
    const election = run(
      ['dataDir=DIR', ...LIMITS, 'electionPortBindRetry=1', ...members(port(1), port(2))],
      {},
      seat('1'),
    );
    expect(await client.ended, client.log()).toBe(1);
    expect(client.log()).toMatch(new RegExp(`ERROR .*clients cannot connect.*${port(0)}`));
    expect(await election.ended, election.log()).toBe(14);
    expect(election.log()).toMatch(new RegExp(`ERROR .*election port.*${port(1)}`));
    for (const server of taken) server.close();
  },
);

test(
  'SIGTERM stops it in good order with 0; SIGKILL loses nothing acknowledged; both find their data again',
  { timeout: PATIENCE_MS },
  async () => {
    const own = seat(null);
    const lines = alone(port(3));
    for (const [round, signal] of (['SIGTERM', 'SIGKILL', 'SIGTERM'] as const).entries()) {
      const server = run(lines, {}, own);
      await serving(port(3));
      const client = newClient(port(3));
      await client.connected();
      for (let earlier = 0; earlier < round; earlier++) {
        expect((await client.getChildren(`/round${earlier}`)).children).toHaveLength(WRITE_COUNT);
      }
      await client.create(`/round${round}`);
      await Promise.all(
        Array.from({ length: WRITE_COUNT }, (_, i) => client.create(`/round${round}/${i}`, 'x')),
      );
      server.child.kill(signal);
      expect(await server.ended).toBe(signal === 'SIGTERM' ? 0 : null);
      if (signal === 'SIGTERM') expect(server.log()).toMatch(/Has stopped: it was told to stop/);
      void client.close();
    }
  },
);

test(
  'properties come from the environment, zoo.cfg counts for more, and what has no effect is named in a warning',
  { timeout: PATIENCE_MS },
  async () => {
    const server = run(
      [...alone(port(13)), 'snapCount=500', 'mystery=7', 'dataDir=DIR', 'sslQuorum=true'],
      {
        zookeeper_4lw_commands_whitelist: 'ruok,conf,srvr',
        zookeeper_snapCount: 'not read, as the file says better',
        zookeeper_tickTime: '1',
        zookeeper_admin_enableServer: 'false',
      },
    );
    await serving(port(13));
    expect(await ask(port(13), 'ruok')).toBe('imok');
    expect(await ask(port(13), 'conf')).toMatch(/tickTime=3000/);
    // Somebody who says that this was his last word, as `nc -N` does, is answered all the same.
    expect(await ask(port(13), 'conf', HOST, 'and nothing more')).toMatch(/tickTime=3000/);
    const warnings = server
      .log()
      .split('\n')
      .filter((line) => line.includes(' WARN '));
    for (const said of [
      /line 4: mystery is no key this server knows/,
      /line 1: dataDir is set again on line 5/,
      /line 6: sslQuorum has no effect/,
      /tickTime in the environment has no effect/,
    ]) {
      expect(warnings).toEqual(expect.arrayContaining([expect.stringMatching(said)]));
    }
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  },
);

test(
  'members come from a dynamic configuration file beside zoo.cfg, and logs go to dataLogDir',
  { timeout: PATIENCE_MS },
  async () => {
    const own = seat('1');
    mkdirSync(join(own, 'logs'));
    writeFileSync(join(own, 'zoo.cfg.dynamic'), members(port(14), port(15))[0] ?? '');
    const server = run(
      [
        'dataDir=DIR',
        'dataLogDir=DIR/logs',
        ...LIMITS,
        'standaloneEnabled=false',
        'dynamicConfigFile=zoo.cfg.dynamic',
      ],
      {},
      own,
    );
    await serving(port(15));
    expect(await ask(port(15), 'srvr')).toMatch(/Mode: leader/);
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  },
);

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === '::1');

test.runIf(hasIpv6)(
  'two servers at IPv6 addresses form a quorum, and what is written at one is read at the other',
  { timeout: PATIENCE_MS },
  async () => {
    const lines = [4, 7].map((first, index) => {
      const [quorum, election, client] = [first, first + 1, first + 2].map(port);
      return `server.${index + 1}=[::1]:${quorum}:${election};[::1]:${client}`;
    });
    const clientPorts = [port(6), port(9)];
    const config = ['dataDir=DIR', ...LIMITS, ...lines];
    const servers = ['1', '2'].map((myid) => run(config, {}, seat(myid)));
    for (const clientPort of clientPorts) await serving(clientPort, '::1');
    const [first, second] = clientPorts.map((clientPort) => newClient(clientPort, '[::1]'));
    await first?.create('/six', 'hello');
    await second?.sync('/six');
    expect((await second?.getData('/six'))?.data).toEqual(new TextEncoder().encode('hello'));
    for (const client of [first, second]) void client?.close();
    for (const server of servers) server.child.kill('SIGTERM');
    for (const server of servers) expect(await server.ended, server.log()).toBe(0);
  },
);

test.runIf(hasIpv6)(
  'with quorumListenOnAllIPs two servers that know each other by addresses of two families form a quorum',
  { timeout: PATIENCE_MS },
  async () => {
    const line = (sid: number, host: string, first: number): string =>
      `server.${sid}=${host}:${port(first)}:${port(first + 1)};${HOST}:${port(first + 2)}`;
    const config = ['dataDir=DIR', ...LIMITS, 'quorumListenOnAllIPs=true'];
    // Each says IPv4 of itself and IPv6 of the other, so both families have to reach every election and quorum port.
    const servers = [
      run([...config, line(1, HOST, 4), line(2, '[::1]', 7)], {}, seat('1')),
      run([...config, line(1, '[::1]', 4), line(2, HOST, 7)], {}, seat('2')),
    ];
    for (const clientPort of [port(6), port(9)]) await serving(clientPort);
    expect(await ask(port(9), 'srvr')).toMatch(/Mode: leader/);
    expect(await ask(port(6), 'srvr')).toMatch(/Mode: follower/);
    for (const server of servers) server.child.kill('SIGTERM');
    for (const server of servers) expect(await server.ended, server.log()).toBe(0);
  },
);

test(
  'a server whose only fellow has a name that nobody knows serves nobody, and says whom it cannot reach',
  { timeout: PATIENCE_MS },
  async () => {
    const lost = 'server.2=fee.fii.foo.invalid:2888:3888;2181';
    const own = `server.3=${HOST}:${port(4)}:${port(5)};${HOST}:${port(6)}`;
    const server = run(['dataDir=DIR', ...LIMITS, own, lost], {}, seat('3'));
    await until('it says so', () => Promise.resolve(/fee\.fii\.foo\.invalid/.test(server.log())));
    expect((await ask(port(6), 'srvr')) ?? '').not.toContain('Mode:');
    server.child.kill('SIGTERM');
    expect(await server.ended, server.log()).toBe(0);
    expect(server.log()).toMatch(/WARN .*Cannot reach server 2 at fee\.fii\.foo\.invalid/);
  },
);
