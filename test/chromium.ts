/** Which Chromium the tests start. They never install one: `scripts/chromium.mjs` does. */

import { existsSync } from 'node:fs';

const SYSTEM_CHROMIUM = '/usr/bin/chromium';

/** CHROMIUM_PATH, else the system's Chromium, else (empty) the one that Playwright installed. */
export function chromium(): { readonly executablePath?: string } {
  const given = process.env['CHROMIUM_PATH'];
  const executablePath = given ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined);
  return executablePath === undefined ? {} : { executablePath };
}
