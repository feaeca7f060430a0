/** Installs what package-lock.json names and node_modules lacks, so that a fresh clone needs one command and not two. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** What npm writes down of an installation when it has succeeded. */
const INSTALLED = 'node_modules/.package-lock.json';
const OLDEST_NODE = 20;

const packagesIn = (lock) => JSON.parse(readFileSync(lock, 'utf8')).packages;

/** Whoever has run `npm install` by hand need not wait for another. Optional packages are other machines'. */
function installed() {
  if (!existsSync(INSTALLED)) return false;
  const here = packagesIn(INSTALLED);
  return Object.entries(packagesIn('package-lock.json')).every(
    ([path, { version, optional }]) => path === '' || optional || here[path]?.version === version,
  );
}

/** Leaves the process with a plain message when Node is too old or npm fails. */
export function ensureDependencies() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    console.error(`Tabkeeper needs Node ${OLDEST_NODE} or newer; this is ${process.version}.`);
    process.exit(1);
  }
  if (installed()) return;
  console.log('Installing what is missing (npm ci) ...');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    console.error('npm ci failed; see the lines above.');
    process.exit(npm.status ?? 1);
  }
}
