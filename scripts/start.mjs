/** `npm start`: installs and builds what is missing, then serves the app and the room server on one port. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';

process.chdir(join(import.meta.dirname, '..'));
ensureDependencies();
ensureBuilt();
const server = spawn(process.execPath, ['dist/node/tabkeeper.js', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill(signal));
server.on('exit', (code, signal) => process.exit(signal ? 0 : (code ?? 1)));
