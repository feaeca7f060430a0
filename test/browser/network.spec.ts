/** Links as a person's browser makes them: no flag and no permission, so addresses hide behind mDNS names. */

import { createSocket } from 'node:dgram';
import { expect, test } from './harness/servers.ts';
import { linked, newLink, openTab, serving } from './harness/room.ts';

test.use({
  permissions: [],
  launchOptions: [
    async ({ launchOptions }, use) => {
      const { args, ...rest } = launchOptions;
      const usual = (args ?? []).filter((arg) => !arg.includes('loopback'));
      await use({ ...rest, args: usual });
    },
    { scope: 'worker' },
  ],
});

test('tabs link over WebRTC with nothing but what every browser allows', async ({
  context,
  appUrl,
}) => {
  test.skip(!(await hasRoute()), 'this machine has no route, so WebRTC has no address to offer');
  const url = appUrl + newLink(3);
  const pages = await Promise.all([1, 2, 3].map(() => openTab(context, url)));
  for (const page of pages) {
    const { sid } = await serving(page);
    for (const other of [1, 2, 3].filter((one) => one !== sid)) await linked(page, other, 'webrtc');
  }
  const names = await pages[0]?.evaluate(hostCandidates);
  expect(names).not.toEqual([]);
  for (const name of names ?? []) expect(name).toMatch(/\.local$/);
});

/** Asks the system for a way out; sends nothing. */
function hasRoute(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (has: boolean): void => {
      socket.close();
      resolve(has);
    };
    socket.on('error', () => end(false));
    socket.connect(9, '198.51.100.1', () => end(true));
  });
}

/** The addresses that this page would give to others. Runs in the page. */
function hostCandidates(): Promise<string[]> {
  return new Promise((resolve) => {
    const connection = new RTCPeerConnection();
    const found: string[] = [];
    connection.createDataChannel('any');
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null) {
        connection.close();
        resolve(found);
      } else if (candidate.address !== null && candidate.type === 'host') {
        found.push(candidate.address);
      }
    };
    void connection.setLocalDescription();
  });
}
