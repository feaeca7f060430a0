/** Which page is shown. */

import type { TabServer } from '../browser/tabServer.ts';

export type Page =
  | { readonly kind: 'landing'; readonly problem: string | null }
  | { readonly kind: 'inspector' }
  | { readonly kind: 'joining' }
  | { readonly kind: 'room'; readonly server: TabServer }
  | { readonly kind: 'unsupported'; readonly missing: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string };

export class PageState {
  page: Page = $state.raw({ kind: 'landing', problem: null });
}

export const pageState = new PageState();
