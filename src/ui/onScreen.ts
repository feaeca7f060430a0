/** Whether an element is on the screen: what nobody sees is drawn seldom. */

import type { Attachment } from 'svelte/attachments';

/** It is kept true so often all the same: it can be scrolled to, and read aloud from where it is. */
const UNSEEN_MS = 1_000;

export class OnScreen {
  /** Assumed until it is known. */
  #seen = true;
  #lastMs = -Infinity;
  #waiting: number | undefined;
  readonly #draw: () => void;

  /** `draw`: it is behind, and has come to the screen or has been so for long. */
  constructor(draw: () => void) {
    this.#draw = draw;
  }

  get seen(): boolean {
    return this.#seen;
  }

  /** For the element itself. */
  readonly attach: Attachment<Element> = (element) => {
    const observer = new IntersectionObserver((entries) => {
      const seen = entries.at(-1)?.isIntersecting ?? true;
      if (seen === this.#seen) return;
      this.#seen = seen;
      if (seen) this.#draw();
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      clearTimeout(this.#waiting);
    };
  };

  /** Whether to draw now: always what is seen, else once in a while; then it is asked for again. */
  due(nowMs: number): boolean {
    if (!this.#seen && nowMs - this.#lastMs < UNSEEN_MS) {
      this.#waiting ??= window.setTimeout(() => {
        this.#waiting = undefined;
        this.#draw();
      }, UNSEEN_MS);
      return false;
    }
    this.#lastMs = nowMs;
    return true;
  }
}
