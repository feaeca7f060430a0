/** TCP ports of this machine: which are free, and when one accepts. */

import { connect, createServer, type Server } from 'node:net';
import { splitHostAndPorts } from '../config/hostPort.ts';
import type { Address } from '../ports/network.ts';

const RETRY_MS = 5;
/** A server that says it serves listens a moment later at most. */
const ACCEPT_TIMEOUT_MS = 10_000;

/** Ports that are free now, all different. */
export async function freePorts(host: string, count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(host)));
  const ports = servers.map((server) => {
    const address = server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  });
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

function listen(host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => resolve(server));
  });
}

/** Waits until somebody accepts connections there. */
export async function untilAccepts(address: Address): Promise<void> {
  const deadlineMs = performance.now() + ACCEPT_TIMEOUT_MS;
  while (!(await accepts(address))) {
    if (performance.now() > deadlineMs) throw new Error(`nobody accepts connections at ${address}`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function accepts(address: Address): Promise<boolean> {
  const [host = '', port] = splitHostAndPorts(address) ?? [];
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    const answer = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
