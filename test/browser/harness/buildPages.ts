/** Before the browser tests: builds the app and the acceptance pages, as a person would get them. */

import { build } from 'vite';

export default async function buildPages(): Promise<void> {
  await build({ logLevel: 'warn' });
  await build({ logLevel: 'warn', mode: 'acceptance' });
}
