/** What of the room a page draws at once, and what it draws with all that lives. */

import { expect, test, vi } from 'vitest';
import { pacedDrawing } from '../../src/ui/room/pacedDrawing.ts';

const room = (zxid: bigint, state: string) => [{ state, zxid }, [{ sid: 1n, zxid }]];

test('a zxid waits for the next beat, and who leads does not', async () => {
  let shown = room(1n, 'LOOKING');
  let said = shown;
  const draw = vi.fn(() => void (shown = said));
  const changed = pacedDrawing(
    () => shown,
    () => said,
    draw,
  );
  said = room(2n, 'LEADING');
  changed();
  expect(draw).toHaveBeenCalledOnce();
  said = room(3n, 'LEADING');
  changed();
  expect(draw).toHaveBeenCalledOnce();
  await vi.waitUntil(() => shown === said);
  expect(draw).toHaveBeenCalledTimes(2);
});
