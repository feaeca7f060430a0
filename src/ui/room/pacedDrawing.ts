/** What of the room is drawn at once, and what with all that lives: zxids grow with every write, and nobody waits for one. */

import { frameBudget } from '../frameBudget.ts';

/** Draws what is `said` where it differs from what is `shown`: soon, if only in its zxids. */
export function pacedDrawing(
  shown: () => unknown,
  said: () => unknown,
  draw: () => void,
): () => void {
  return () => {
    if (withoutZxids(shown()) === withoutZxids(said())) frameBudget.draw(draw);
    else draw();
  };
}

const withoutZxids = (said: unknown): string =>
  JSON.stringify(said, (key, value: unknown) =>
    key === 'zxid' ? undefined : typeof value === 'bigint' ? String(value) : value,
  );
