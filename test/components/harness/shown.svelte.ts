/** Puts a component on the page as the app would, and takes it away after the test. */

import { type Component, flushSync, mount, unmount } from 'svelte';
import { onTestFinished } from 'vitest';
import '../../../src/ui/app.css';
import '../../../src/ui/stage/stage.css';

/** `change` gives it other properties from now on. */
export function show<Props extends Record<string, unknown>>(
  component: Component<Props>,
  properties: Props,
): { readonly host: HTMLElement; change(other: Partial<Props>): void } {
  const host = document.createElement('main');
  document.body.append(host);
  const props = $state(properties);
  const mounted = mount(component, { target: host, props });
  flushSync();
  onTestFinished(async () => {
    await unmount(mounted);
    host.remove();
  });
  return {
    host,
    change: (other) => {
      Object.assign(props, other);
      flushSync();
    },
  };
}

/** Two frames: whatever a frame draws has been drawn. */
export async function drawn(): Promise<void> {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
}
