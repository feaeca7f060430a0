/** The page's entry: reads the link, joins the room and shows it. It also puts up the automation contract. */

import { mount } from 'svelte';
import { automationOf } from '../browser/automation.ts';
import { JoinError, joinRoom, signallingUrlOf } from '../browser/joinRoom.ts';
import type { TabServer } from '../browser/tabServer.ts';
import { CryptoRandom } from '../browser/workerWorld.ts';
import {
  formatRoomLink,
  newRoomLink,
  parseRoomLink,
  type RoomLink,
  type VoterCount,
} from '../room/roomLink.ts';
import './app.css';
import App from './App.svelte';
import { type Page, pageState } from './pageState.svelte.ts';
import { missingFeatures } from './support.ts';
import { applyChosenTheme } from './theme.ts';

const INSPECTOR_PATH = /\/inspect(?:\.html|\/)?$/;

function firstPage(): Page {
  if (INSPECTOR_PATH.test(location.pathname)) return { kind: 'inspector' };
  const missing = missingFeatures();
  if (missing.length > 0) return { kind: 'unsupported', missing };
  const parsed = parseRoomLink(location.href);
  switch (parsed.kind) {
    case 'none':
      return { kind: 'landing', problem: null };
    case 'bad':
      return {
        kind: 'landing',
        problem: parsed.problems.map(({ message, remedy }) => `${message} ${remedy}`).join(' '),
      };
    case 'room':
      void enter(parsed.link);
      return { kind: 'joining' };
  }
}

async function enter(link: RoomLink): Promise<void> {
  try {
    const server = await joinRoom(link, {
      pageUrl: location.origin + location.pathname,
      signallingUrl: signallingUrlOf(location),
      makeWorker: () =>
        new Worker(new URL('../browser/worker.ts', import.meta.url), { type: 'module' }),
    });
    show(server);
  } catch (error) {
    if (!(error instanceof JoinError)) throw error;
    pageState.page = { kind: 'refused', reason: error.message };
  }
}

function show(server: TabServer): void {
  globalThis.tabkeeper = automationOf(server);
  pageState.page = { kind: 'room', server };
  // Who knocks before there is a door knocks again.
  void import('./guests/openDoor.ts').then(({ openDoor }) => openDoor(server));
}

/** A link of its own, so that reloading or copying the address bar leads back here. */
function openRoom(servers: VoterCount): void {
  const link = newRoomLink(servers, new CryptoRandom());
  history.replaceState(null, '', formatRoomLink(link));
  pageState.page = { kind: 'joining' };
  void enter(link);
}

/** Some browsers let a page keep nothing in a frame of another site; a server without a disk is none. */
function mayKeepData(): boolean {
  try {
    return globalThis.localStorage !== null;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return false;
  }
}

const target = document.querySelector('#app');
if (target === null) throw new Error('index.html has lost its #app');
if (mayKeepData()) {
  applyChosenTheme();
  pageState.page = firstPage();
} else {
  const reason =
    'This browser keeps no data for a page like this one. Open it in a tab of its own.';
  pageState.page = { kind: 'refused', reason };
}
mount(App, { target, props: { state: pageState, onopen: openRoom } });
// A link pasted over the address of an open page changes only the fragment: that is another room.
window.addEventListener('hashchange', () => location.reload());
