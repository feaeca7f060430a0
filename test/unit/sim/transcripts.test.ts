import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { playTranscript } from '../../../src/sim/transcript.ts';

/** `UPDATE_TRANSCRIPTS=1` writes what happens now into the files, to be read and reviewed like code. */
const UPDATE = process.env['UPDATE_TRANSCRIPTS'] === '1';
const FOLDER = new URL('../../transcripts/', import.meta.url);

describe('the transcript', () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));
  test.each(names)(
    '%s tells what happens',
    async (name) => {
      const file = new URL(name, FOLDER);
      const written = readFileSync(file, 'utf8');
      const played = await playTranscript(written);
      if (UPDATE) writeFileSync(file, played);
      else expect(played).toBe(written);
    },
    60_000,
  );

  test('there are some', () => {
    expect(names.length).toBeGreaterThan(5);
  });
});
