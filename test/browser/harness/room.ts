/** What the project's own tests use of `tabkeeper/playwright`: links, tabs, and waiting for what a tab says. */

export {
  linked,
  newLink,
  openTab,
  PATIENCE_MS,
  seated,
  sees,
  serving,
  status,
} from '../../../src/playwright/tabs.ts';
