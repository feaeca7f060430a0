/** Builds the app and the room server where the sources have changed since the last time. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STAMP = 'dist/app/.built-from';
const PRODUCTS = ['dist/app/index.html', 'dist/node/tabkeeper.js'];
const SOURCES = [
  'src',
  'public',
  'index.html',
  'package-lock.json',
  'vite.config.ts',
  'vite.node.config.ts',
];

function* files(path) {
  const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  for (const entry of entries) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) yield* files(child);
    else yield child;
  }
}

function sourceHash() {
  const hash = createHash('sha256');
  for (const source of SOURCES.filter((path) => existsSync(path))) {
    const list = source.includes('.') ? [source] : files(source);
    for (const file of list) hash.update(file).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function build(...args) {
  const vite = spawnSync('npx', ['--no-install', 'vite', 'build', '--logLevel', 'warn', ...args], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (vite.status !== 0) {
    console.error('The build failed; see the lines above.');
    process.exit(vite.status ?? 1);
  }
}

/** In the project's folder; leaves the process when the build fails. */
export function ensureBuilt() {
  const from = sourceHash();
  const built = existsSync(STAMP) && readFileSync(STAMP, 'utf8') === from;
  if (built && PRODUCTS.every((file) => existsSync(file))) return;
  console.log('Building ...');
  build();
  build('--config', 'vite.node.config.ts');
  // Within the app's folder, which every other build empties: a build of other sources takes the stamp with it.
  writeFileSync(STAMP, from);
}
