import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FileDisk } from '../../../src/node/fileDisk.ts';
import { TcpNetwork } from '../../../src/node/tcpNetwork.ts';
import type { Connection } from '../../../src/ports/network.ts';
import { diskAcceptance, type DiskHarness } from '../../acceptance/disk.ts';
import { networkAcceptance, type NetworkHarness } from '../../acceptance/network.ts';

const LIMIT_MS = 10_000;
/** A round over loopback takes far less; what has not come by then does not come. */
const QUIET_MS = 60;

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`did not come: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}

async function tcpHarness(): Promise<NetworkHarness> {
  const [election, quorum, client] = await Promise.all([freePort(), freePort(), freePort()]);
  const ports = { election, quorum, client };
  return {
    near: new TcpNetwork(),
    far: new TcpNetwork(),
    farAddress: (port) => `127.0.0.1:${ports[port]}`,
    until,
    settle: () => new Promise((resolve) => setTimeout(resolve, QUIET_MS)),
    stop: () => Promise.resolve(),
  };
}

async function fileHarness(): Promise<DiskHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'tabkeeper-disk-'));
  const options = { dataDir: folder, dataLogDir: folder, preAllocSizeBytes: 0, forceSync: true };
  let disk = new FileDisk(options);
  return {
    get disk() {
      return disk;
    },
    crash: () => {
      disk = new FileDisk(options);
      return Promise.resolve();
    },
    until,
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

describe('TCP', () => {
  networkAcceptance(test, tcpHarness);

  test('somebody who has shut only his half still gets what is answered while paused', async () => {
    const port = await freePort();
    let asked: Connection | null = null;
    let isOver = false;
    const listener = new TcpNetwork().listen(
      'client',
      `127.0.0.1:${port}`,
      (connection) => ({
        opened: () => {},
        received: () => {
          connection.pause();
          asked = connection;
        },
        drained: () => {},
        closed: () => (isOver = true),
      }),
      () => {},
    );
    let answer = '';
    let hungUp = false;
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('end', () => (hungUp = true));
    socket.end('conf');
    await until(() => asked !== null, 'the question');
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    const connection = asked as Connection | null;
    connection?.write(new TextEncoder().encode('clientPort=1'));
    connection?.close();
    await until(() => hungUp, 'the end');
    listener.close();
    expect({ answer, isOver }).toEqual({ answer: 'clientPort=1', isOver: false });
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

describe('every address of the machine', () => {
  test.for(['127.0.0.1', ...(hasIpv6 ? ['[::1]'] : [])])(
    'is meant by 0.0.0.0: %s',
    async (host) => {
      const port = await freePort();
      const remotes: string[] = [];
      const failures: string[] = [];
      const network = new TcpNetwork();
      const nobody = { opened: () => {}, received: () => {}, drained: () => {}, closed: () => {} };
      const accept = ({ remoteAddress }: Connection) => {
        remotes.push(remoteAddress.slice(0, remoteAddress.lastIndexOf(':')));
        return nobody;
      };
      const fail = (reason: string) => failures.push(reason);
      const listener = network.listen('client', `0.0.0.0:${port}`, accept, fail);
      // The same port again: the words name the address as it was written.
      network.listen('client', `0.0.0.0:${port}`, accept, fail);
      await until(() => failures.length > 0, 'a failure');
      network.connect(`${host}:${port}`, 'client', nobody);
      await until(() => remotes.length > 0, 'a connection');
      listener.close();
      expect(remotes).toEqual([host]);
      expect(failures).toEqual([
        expect.stringMatching(`cannot listen on 0.0.0.0:${port}: .*EADDRINUSE`),
      ]);
    },
  );
});

describe('files', () => {
  diskAcceptance(test, fileHarness);
});
