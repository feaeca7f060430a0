/**
 * Writes dist/types: the declarations of what the package exports and of whatever those name, nothing else of the house.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const TO = 'dist/types';
const ENTRIES = [
  'browser/client.d.ts',
  'node/client.d.ts',
  'testing/ensemble.d.ts',
  'playwright/fixtures.d.ts',
];
/** `'./tabs.ts'` after `from` or in `import(...)`. */
const RELATIVE_IMPORT = /((?:from |import\()'\.{1,2}\/[^']*)\.ts'/g;

/** Leaves the process when the types are wrong. */
function emit(folder) {
  const args = ['--no-install', 'tsc', '-p', 'tsconfig.types.json', '--outDir', folder];
  const tsc = spawnSync('npx', args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (tsc.status !== 0) process.exit(tsc.status ?? 1);
}

/** The file and all it imports, as they are published: compiled code ends in `.js`. */
function publish(folder, file, done) {
  if (done.has(file)) return;
  done.add(file);
  const text = readFileSync(join(folder, file), 'utf8').replace(RELATIVE_IMPORT, "$1.js'");
  mkdirSync(dirname(join(TO, file)), { recursive: true });
  writeFileSync(join(TO, file), text);
  for (const [, path] of text.matchAll(/(?:from |import\()'(\.{1,2}\/[^']*)\.js'/g)) {
    publish(folder, join(dirname(file), `${path}.d.ts`), done);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'tabkeeper-types-'));
try {
  emit(folder);
  rmSync(TO, { recursive: true, force: true });
  const done = new Set();
  for (const entry of ENTRIES) publish(folder, entry, done);
  console.log(`${TO}: ${done.size} files`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
