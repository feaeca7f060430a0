/** The keys by which everything is walked that is one tab stop: lists, trees, tables, pictures. It moves nothing itself. */

import { createKeybindingsHandler } from 'tinykeys';

export interface Walk {
  /** Where the reader stands, from 0; below 0: nowhere yet. */
  readonly at: () => number;
  readonly count: () => number;
  /** Goes to one that is there. */
  readonly go: (index: number) => unknown;
  /** How far Page Up and Page Down go; without it they scroll as anywhere. */
  readonly pageLength?: () => number;
}

/**
 * For `onkeydown`: up, down, Home and End, a page each way where `walk` has pages, and `more` keys by their names. A key
 * that is bound does nothing else.
 */
export function listKeys(
  walk: Walk,
  more: Readonly<Record<string, () => unknown>> = {},
): (event: KeyboardEvent) => void {
  const { at, count, go, pageLength } = walk;
  const goTo = (index: number): unknown =>
    count() === 0 ? undefined : go(Math.min(count() - 1, Math.max(0, index)));
  const page = (direction: 1 | -1): (() => unknown) | undefined =>
    pageLength && (() => goTo(at() + direction * pageLength()));
  const actions: Record<string, (() => unknown) | undefined> = {
    ArrowDown: () => goTo(at() + 1),
    ArrowUp: () => goTo(at() < 0 ? count() - 1 : at() - 1),
    Home: () => goTo(0),
    End: () => goTo(count() - 1),
    PageDown: page(1),
    PageUp: page(-1),
    ...more,
  };
  const bindings = Object.entries(actions).flatMap(([key, action]) =>
    action === undefined ? [] : [[key, bound(action)] as const],
  );
  return createKeybindingsHandler(Object.fromEntries(bindings));
}

const bound =
  (action: () => unknown) =>
  (event: KeyboardEvent): void => {
    event.preventDefault();
    action();
  };
