/**
 * Light or dark: the system's choice until somebody makes their own, which this browser then remembers; and the size,
 * which a tab keeps: one that is shown to a room is larger.
 */

const KEY = 'tabkeeper.theme';
const SIZE_KEY = 'tabkeeper.size';
const PROJECTOR = 'projector';

export type Theme = 'light' | 'dark';

const systemTheme = (): Theme =>
  matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';

const chosenTheme = (): Theme | null => {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : null;
};

export function applyChosenTheme(): void {
  const chosen = chosenTheme();
  if (chosen !== null) document.documentElement.dataset['theme'] = chosen;
  setProjector(sessionStorage.getItem(SIZE_KEY) === PROJECTOR);
}

export const isProjector = (): boolean => document.documentElement.dataset['size'] === PROJECTOR;

/** Everything half as large again, to be read from the back row. */
export function setProjector(wanted: boolean): void {
  const size = wanted ? PROJECTOR : 'desk';
  sessionStorage.setItem(SIZE_KEY, size);
  document.documentElement.dataset['size'] = size;
  dispatchEvent(new Event('resize'));
}

/** The other one, from now on. */
export function toggleTheme(): Theme {
  const next = (chosenTheme() ?? systemTheme()) === 'dark' ? 'light' : 'dark';
  localStorage.setItem(KEY, next);
  document.documentElement.dataset['theme'] = next;
  return next;
}
