/** Installs what package-lock.json names and node_modules lacks, so that a fresh clone needs one command and not two. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';

const STAMP = 'node_modules/.tabkeeper-installed';
const OLDEST_NODE = 20;

const lockHash = () => createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');

const installed = () => existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockHash();

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
  writeFileSync(STAMP, lockHash());
}
