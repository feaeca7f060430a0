/** Opens the tab's door for other pages: joins the window, the server's client port and the question to the person. */

import { mount, unmount } from 'svelte';
import { Consent } from '../../browser/consent.ts';
import { TabDoor } from '../../browser/tabDoor.ts';
import type { TabServer } from '../../browser/tabServer.ts';
import ConsentDialog from './ConsentDialog.svelte';

export function openDoor(server: Pick<TabServer, 'room' | 'openClientPipe'>): void {
  // A tab keeps this over a reload, and no other tab sees it. A yes is for one room.
  const memory = `tabkeeper/${server.room}/guests`;
  const consent = new Consent({
    ownOrigin: location.origin,
    ask,
    recall: () => (sessionStorage.getItem(memory) ?? '').split(' ').filter((one) => one !== ''),
    remember: (allowed) => sessionStorage.setItem(memory, allowed.join(' ')),
  });
  const door = new TabDoor({ consent, open: (handler) => server.openClientPipe(handler) });
  window.addEventListener('message', (event) => door.received(event));
  window.addEventListener('pagehide', () => door.close());
}

function ask(origin: string): Promise<boolean> {
  return new Promise((resolve) => {
    const answer = (allowed: boolean): void => {
      void unmount(dialog);
      resolve(allowed);
    };
    const dialog = mount(ConsentDialog, { target: document.body, props: { origin, answer } });
  });
}
