/** A room without regard to what its servers decide: seats, links, and how tabs go. */

import { expect, test } from './harness/servers.ts';
import { linked, newLink, openTab, seated, sees } from './harness/room.ts';

test('tabs that race for seats all get one of their own', async ({ context, appUrl }) => {
  const url = appUrl + newLink(3);
  const pages = await Promise.all([1, 2, 3, 4].map(() => openTab(context, url)));
  const sids = await Promise.all(pages.map(seated));
  expect(sids.sort()).toEqual([1, 2, 3, 4]);
});

test('two browsers that race for a seat agree through the room server', async ({
  browser,
  appUrl,
}) => {
  const url = appUrl + newLink(3);
  const contexts = await Promise.all([browser.newContext(), browser.newContext()]);
  const pages = await Promise.all(contexts.map((context) => openTab(context, url)));
  const sids = await Promise.all(pages.map(seated));
  expect(sids.sort()).toEqual([1, 2]);
  for (const context of contexts) await context.close();
});

test('two tabs link over WebRTC, and a closed one is missed at once', async ({
  context,
  appUrl,
}) => {
  const url = appUrl + newLink(3);
  const first = await openTab(context, url);
  expect(await seated(first)).toBe(1);
  const second = await openTab(context, url);
  expect(await seated(second)).toBe(2);
  await linked(first, 2, 'webrtc');
  await linked(second, 1, 'webrtc');
  await second.close({ runBeforeUnload: true });
  await sees(first, 2, 'closed');
});

test('without WebRTC tabs of one browser link over a BroadcastChannel', async ({
  context,
  appUrl,
}) => {
  // A connection that never finds a way and says nothing, as on a machine without a network.
  await context.addInitScript(() => {
    RTCPeerConnection.prototype.addIceCandidate = () => Promise.resolve();
    RTCPeerConnection.prototype.setRemoteDescription = () => new Promise(() => {});
  });
  const url = appUrl + newLink(3);
  const first = await openTab(context, url);
  await seated(first);
  const second = await openTab(context, url);
  await seated(second);
  await linked(first, 2, 'broadcast');
  await linked(second, 1, 'broadcast');
});

test('a reloaded tab is the same server again', async ({ context, appUrl }) => {
  const url = appUrl + newLink(3);
  const first = await openTab(context, url);
  await seated(first);
  const second = await openTab(context, url);
  expect(await seated(second)).toBe(2);
  await second.reload();
  expect(await seated(second)).toBe(2);
  await first.close();
  const again = await openTab(context, url);
  expect(await seated(again)).toBe(1);
});

test('a link that is wrong says what is wrong with it', async ({ page, appUrl }) => {
  await page.goto(`${appUrl}#room=x&servers=4&key=short`);
  await expect(page.locator('body')).toContainText('A room cannot have "4" servers.');
  await expect(page.locator('body')).toContainText('a key of 5 characters');
});

test('a link whose key was mistyped is refused where the room is known, and touches none of its disks', async ({
  context,
  appUrl,
}) => {
  const url = appUrl + newLink(3);
  const first = await openTab(context, url);
  expect(await seated(first)).toBe(1);
  await first.close();
  const mistyped = url.replace(/key=./, (given) => (given === 'key=A' ? 'key=B' : 'key=A'));
  const stranger = await openTab(context, mistyped);
  await expect(stranger.getByTestId('refused')).toContainText('knows the room with another key');
  expect(await seated(await openTab(context, url))).toBe(1);
});

test('a tab that is told to be a running server says so', async ({ context, appUrl }) => {
  const url = appUrl + newLink(3);
  await seated(await openTab(context, url));
  const second = await openTab(context, `${url}&sid=1`);
  await expect(second.locator('body')).toContainText('Server 1 is running in another tab');
  await second.getByRole('link', { name: 'Take any free seat of this room' }).click();
  expect(await seated(second)).toBe(2);
});
