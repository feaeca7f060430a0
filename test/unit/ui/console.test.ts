import { expect, it } from 'vitest';
import { askFourLetterWord } from '../../../src/client/fourLetterWord.ts';
import { ZooKeeper } from '../../../src/client/zooKeeper.ts';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { ConsoleSession } from '../../../src/ui/console/console.ts';

/** A console beside three real servers in virtual time; it begins at the first. */
async function consoleOf() {
  const ensemble = new Ensemble({
    seed: 1,
    participantCount: 3,
    config: { fourLetterWordWhitelist: ['srvr', 'ruok'] },
  });
  const { simulation } = ensemble;
  ensemble.startAll();
  await ensemble.untilServing();
  const machine = ensemble.clientMachine().boot();
  const addresses = [1, 2, 3].map((sid) => ensemble.clientAddress(sid));
  const [home = ''] = addresses;
  const said: string[] = [];
  let quitCount = 0;
  const session = new ConsoleSession(
    {
      home,
      connect: (address) =>
        new ZooKeeper(machine, { addresses: [address], sessionTimeoutMs: 4_000 }),
      servers: () => addresses,
      ask: (address, word) => askFourLetterWord(machine, address, word),
    },
    {
      print: (line) => void said.push(line),
      complain: (line) => void said.push(`! ${line}`),
      fail: (line) => void said.push(`! ${line}`),
      typed: () => {},
      quit: () => quitCount++,
    },
  );
  /** Runs a line and gives what was said meanwhile, without empty lines. */
  const run = async (line: string): Promise<readonly string[]> => {
    said.length = 0;
    await simulation.settle(session.run(line));
    return said.filter((each) => each !== '');
  };
  return { ensemble, simulation, session, run, addresses, quits: () => quitCount };
}

const CLOSED = ['WATCHER::', 'WatchedEvent state:Closed type:None path:null'];

it('a console has a session of its own, whose nodes go when it is closed', async () => {
  const { run } = await consoleOf();
  expect(await run('create -e /mine data')).toContain('! Created /mine');
  expect(await run('close')).toEqual(CLOSED);
  expect(await run('ls /')).toEqual(['Not connected']);
  await run('connect');
  expect(await run('ls /')).toContain('[zookeeper]');
});

it('a line waits for the one before it', async () => {
  const { session, run, addresses, simulation } = await consoleOf();
  await run('ls /');
  const lines = [`connect ${addresses[1] ?? ''}`, 'create /after', 'get /after -s'];
  await simulation.settle(Promise.all(lines.map((line) => session.run(line))));
  expect(await run('ls /')).toEqual(['[after, zookeeper]']);
});

it('connect moves to another server, and the prompt says where one is', async () => {
  const { run, session, addresses, simulation } = await consoleOf();
  const [first = '', second = ''] = addresses;
  expect(session.prompt).toBe(`[zk: ${first}(CONNECTING) 0]`);
  await run('ls /');
  await run(`connect ${second}`);
  expect(await run('ls /')).toContain('[zookeeper]');
  expect(session.prompt).toBe(`[zk: ${second}(CONNECTED) 3]`);
  await simulation.settle(session.end());
  expect(session.prompt).toBe(`[zk: ${second}(CLOSED) 3]`);
});

it('what the console does itself is done without a connection too, and zkCli says so each time', async () => {
  const { run, quits } = await consoleOf();
  await run('ls /');
  expect(await run('quit')).toEqual(CLOSED);
  expect(quits()).toBe(1);
  expect((await run('history')).at(-1)).toBe('Not connected');
  expect(await run('version')).toEqual(['Not connected']);
  expect(await run('nothing')).toEqual(['! Command not found: Command not found nothing']);
});

it('four-letter words go to one server, to several, to all, or as with nc', async () => {
  const { run, addresses } = await consoleOf();
  const [first = '', second = '', third = ''] = addresses;
  expect(await run('4lw ruok')).toEqual(['imok']);
  expect(await run('4lw ruok all')).toEqual([
    `${first}:`,
    'imok',
    `${second}:`,
    'imok',
    `${third}:`,
    'imok',
  ]);
  const [host = '', port = ''] = second.split(':');
  expect(await run(`echo srvr | nc ${host} ${port}`)).toContainEqual(
    expect.stringMatching(/^Mode: /),
  );
  expect(await run('4lw mntr')).toEqual([
    'mntr is not executed because it is not in the whitelist.',
  ]);
  expect(await run('4lw')).toEqual([expect.stringContaining('! 4lw word')]);
});

it('a server that is not there is named, and the others still answer', async () => {
  const { ensemble, run, addresses } = await consoleOf();
  const [, second = '', third = ''] = addresses;
  ensemble.crash(2);
  expect(await run(`4lw ruok ${second},${third}`)).toEqual([
    `${second}:`,
    expect.stringContaining(`! ${second} cannot be asked`),
    `${third}:`,
    'imok',
  ]);
});

it('a quota is two nodes that it writes, and they go with it', async () => {
  const { run } = await consoleOf();
  await run('create /app');
  expect(await run('setquota -n 3 /app')).toEqual([]);
  expect(await run('get /zookeeper/quota/app/zookeeper_limits')).toEqual([
    'count=3,bytes=-1=;byteHardLimit=-1;countHardLimit=-1',
  ]);
  expect(await run('listquota /app')).toContain('Output stat for /app count=1,bytes=0');
  await run('delquota /app');
  expect(await run('ls /zookeeper/quota')).toEqual(['[]']);
});

it('commands and four-letter words are completed', async () => {
  const { session, simulation } = await consoleOf();
  const completed = (line: string): Promise<readonly string[]> =>
    simulation.settle(session.complete(line));
  expect(await completed('4lw m')).toEqual(['4lw mntr ']);
  expect(await completed('setq')).toEqual(['setquota ']);
  expect(await completed('get /zoo')).toEqual(['get /zookeeper']);
});
