/** The page's colours for a canvas, which knows no custom properties: the browser resolves them for an element. */

import type { Palette } from './drawSequence.ts';

/** `probe`: an element of the page that shows nothing; its colour is changed. */
export function paletteOf(probe: HTMLElement): Palette {
  const resolve = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  return {
    text: resolve('text'),
    quiet: resolve('quiet'),
    line: resolve('line'),
    accent: resolve('accent'),
    raised: resolve('raised'),
    kinds: {
      vote: resolve('vote'),
      sync: resolve('sync'),
      request: resolve('request'),
      proposal: resolve('proposal'),
      ack: resolve('ack'),
      commit: resolve('commit'),
      ping: resolve('ping'),
    },
  };
}

/** Calls when the colours or the size of the page may be others. Returns how to stop it. */
export function onLookChange(changed: () => void): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const attributes = new MutationObserver(changed);
  attributes.observe(document.documentElement, { attributes: true });
  dark.addEventListener('change', changed);
  return () => {
    attributes.disconnect();
    dark.removeEventListener('change', changed);
  };
}
