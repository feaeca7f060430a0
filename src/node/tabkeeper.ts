/**
 * The program: the room server behind `npm start`, or one server of an ensemble in this process. It loads only what the
 * command needs: the other half would double the time a server takes to start.
 */

import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Command, readCommand, USAGE } from './commandLine.ts';

/** What shells give for a command line that was not understood. */
const EXIT_BAD_USAGE = 2;
const APP_FOLDER = fileURLToPath(new URL('../app', import.meta.url));
/** Not `localhost`: that may be ::1, where another program can have the same port. */
const THIS_MACHINE = '127.0.0.1';
const EVERYBODY = '0.0.0.0';

async function run(command: Command): Promise<void> {
  switch (command.kind) {
    case 'help':
      console.log(USAGE);
      return;
    case 'bad':
      console.error(`${command.problem}\n\n${USAGE}`);
      process.exitCode = EXIT_BAD_USAGE;
      return;
    case 'server': {
      const { runServer } = await import('./serverMain.ts');
      runServer(command.configFile);
      return;
    }
    case 'rooms':
      return serveRooms(command);
  }
}

async function serveRooms(command: Extract<Command, { kind: 'rooms' }>): Promise<void> {
  const { everybody, https, port: wanted, embedders } = command;
  const { startRoomServer } = await import('./roomServer.ts');
  const { selfSignedCertificate } = await import('./selfSignedCertificate.ts');
  const hosts = [THIS_MACHINE, ...(everybody ? networkAddresses() : [])];
  const { port } = await startRoomServer({
    appFolder: APP_FOLDER,
    host: everybody ? EVERYBODY : THIS_MACHINE,
    port: wanted,
    nextIfTaken: wanted !== 0,
    certificate: https ? selfSignedCertificate(['localhost', ...hosts], Date.now()) : null,
    embedders,
  });
  const link = (host: string): string => `${https ? 'https' : 'http'}://${host}:${port}/`;
  if (wanted !== 0 && port !== wanted) console.log(`Port ${wanted} is taken, so it is ${port}.`);
  console.log(`\nTabkeeper is ready. Open this link:\n\n  ${link(THIS_MACHINE)}\n`);
  if (everybody) console.log(fromOtherMachines(hosts.slice(1).map(link)));
  console.log('Ctrl+C stops it. Rooms live on in the tabs that are open.');
}

function fromOtherMachines(links: readonly string[]): string {
  if (links.length === 0) return 'This machine has no network now, so no other can open it.\n';
  return `From other machines on your network:\n\n${links.map((link) => `  ${link}\n`).join('')}`;
}

function networkAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}

try {
  await run(readCommand(process.argv.slice(2), process.env['PORT']));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
