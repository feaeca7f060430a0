/**
 * Finds a Chromium: CHROMIUM_PATH, Playwright's own, the system's. Installs one only where there is none; starting it
 * never needs the network.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

const onPath = () =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((file) => existsSync(file));

async function playwrightsOwn() {
  const { chromium } = await import('@playwright/test');
  const file = chromium.executablePath();
  return file && existsSync(file) ? file : undefined;
}

/** The path of a Chromium that is there already, or undefined. Throws when CHROMIUM_PATH names no file. */
export async function findChromium() {
  const wanted = process.env.CHROMIUM_PATH;
  if (wanted) {
    if (!existsSync(wanted))
      throw new Error(`CHROMIUM_PATH is ${wanted}, but there is no such file.`);
    return wanted;
  }
  return (await playwrightsOwn()) ?? onPath() ?? PLACES.find((file) => existsSync(file));
}

const run = (command, args) =>
  spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' }).status === 0;

const installWithApt = () => {
  if (!existsSync('/etc/debian_version')) return false;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const apt = (...args) => {
    const [command, ...rest] = [...sudo, 'apt-get', ...args];
    return run(command, rest);
  };
  return apt('update', '-qq') && apt('install', '-y', '-qq', 'chromium');
};

/** Finds a Chromium or installs one: Playwright's, else Debian's. Throws with what to do when neither works. */
export async function ensureChromium() {
  const there = await findChromium();
  if (there) return there;
  console.log('No Chromium found; installing one (npx playwright install chromium) ...');
  if (!run('npx', ['playwright', 'install', 'chromium'])) {
    console.log('That did not work; trying apt-get install chromium ...');
    installWithApt();
  }
  const now = await findChromium();
  if (now) return now;
  throw new Error(
    'No Chromium could be found or installed. Install one and set CHROMIUM_PATH to its program file.',
  );
}
