/** Before the browser tests: builds the app and the acceptance pages, as a person would get them; `CHAOS_APP` is built. */

import { build } from 'vite';

export default async function buildPages(): Promise<void> {
  if (process.env['CHAOS_APP'] !== undefined) return;
  await build({ logLevel: 'warn' });
  await build({ logLevel: 'warn', mode: 'acceptance' });
}
