/** What a tab needs of its browser to be a server, and which of it is not there. */

const NEEDS: readonly (readonly [name: string, isThere: () => boolean])[] = [
  ['Web Workers', () => 'Worker' in globalThis],
  ['IndexedDB', () => typeof indexedDB === 'object'],
  ['WebRTC', () => 'RTCPeerConnection' in globalThis],
  ['BroadcastChannel', () => 'BroadcastChannel' in globalThis],
];

export const missingFeatures = (): readonly string[] =>
  NEEDS.filter(([, isThere]) => !isThere()).map(([name]) => name);
