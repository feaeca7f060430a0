/** Runs one test of an acceptance suite in this page when the browser test asks for it. */

import { diskAcceptance } from '../../acceptance/disk.ts';
import { networkAcceptance } from '../../acceptance/network.ts';
import { makeDiskHarness } from './diskHarness.ts';
import { makeBroadcastHarness, makeMovedHarness, makeWebRtcHarness } from './networkHarness.ts';

declare global {
  var runAcceptance: (suite: string, name: string) => Promise<void>;
  var showSequence: (messageCount: number) => Promise<number>;
}

const tests = new Map<string, () => Promise<void>>();

diskAcceptance((name, run) => tests.set(`disk ${name}`, run), makeDiskHarness);
networkAcceptance((name, run) => tests.set(`webrtc ${name}`, run), makeWebRtcHarness);
networkAcceptance((name, run) => tests.set(`moved ${name}`, run), makeMovedHarness);
networkAcceptance((name, run) => tests.set(`broadcast ${name}`, run), makeBroadcastHarness);

globalThis.runAcceptance = async (suite, name) => {
  const run = tests.get(`${suite} ${name}`);
  if (run === undefined) throw new Error(`there is no test "${name}" in suite ${suite}`);
  await run();
};

globalThis.showSequence = async (messageCount) => {
  const { showSequence } = await import('./sequencePage.ts');
  return showSequence(messageCount);
};
