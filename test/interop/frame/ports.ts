/**
 * Port numbers for servers that several test runs on one machine do not take from one another: blocks on a fixed grid,
 * each guarded by a socket that its owner holds for as long as it lives.
 */

import { createServer, type Server } from 'node:net';

/** One for the guard, three each for up to seven servers, two to spare. */
const BLOCK_PORT_COUNT = 24;
/** Below 32768: above it the kernel gives the same ports to outgoing connections. */
const FIRST_PORT = Number(process.env['TABKEEPER_BASE_PORT'] ?? 12_000);
const BLOCK_COUNT = 40;
const HOST = '127.0.0.1';

export interface PortBlock {
  /** Ports that were free a moment ago and that no other run of these tests takes. */
  readonly ports: readonly number[];
  release(): Promise<void>;
}

export async function reservePorts(): Promise<PortBlock> {
  const start = Math.floor(Math.random() * BLOCK_COUNT);
  for (let i = 0; i < BLOCK_COUNT; i++) {
    const first = FIRST_PORT + ((start + i) % BLOCK_COUNT) * BLOCK_PORT_COUNT;
    const block = await tryBlock(first);
    if (block !== null) return block;
  }
  throw new Error(
    `no ${BLOCK_PORT_COUNT} free ports in a row from ${FIRST_PORT}; set TABKEEPER_BASE_PORT to where there are some`,
  );
}

async function tryBlock(first: number): Promise<PortBlock | null> {
  const guard = await listen(first);
  if (guard === null) return null;
  const ports = Array.from({ length: BLOCK_PORT_COUNT - 1 }, (_, i) => first + 1 + i);
  const probes = await Promise.all(ports.map((port) => listen(port)));
  await Promise.all(probes.filter((probe) => probe !== null).map(close));
  if (!probes.includes(null)) return { ports, release: () => close(guard) };
  await close(guard);
  return null;
}

function listen(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, HOST, () => resolve(server));
  });
}

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => server.close(() => resolve()));
