import { describe, expect, it } from 'vitest';
import type { StorageResult } from '../../../src/storage/storageError.ts';
import { epoch, zxid, type Zxid } from '../../../src/wire/ids.ts';
import { crashAtEveryEvent } from './crashes.ts';
import { StorageWorld, z } from './storageWorld.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : new TextDecoder().decode(bytes);

function withFiles(files: Readonly<Record<string, string>>): StorageWorld {
  const world = new StorageWorld();
  for (const [name, content] of Object.entries(files)) world.disk.put(name, ascii(content));
  return world;
}

const load = (world: StorageWorld, lastZxid: Zxid): StorageResult<void> =>
  world.call((done) => world.epochs.load(lastZxid, done));

const epochsOf = ({ epochs }: StorageWorld): string =>
  `${epochs.acceptedEpoch}/${epochs.currentEpoch}`;

describe('the epoch files', () => {
  it('are decimal text without a newline', () => {
    const world = withFiles({});
    load(world, zxid(0n));
    world.ok<void>((done) => world.epochs.setAcceptedEpoch(epoch(12), done));
    world.ok<void>((done) => world.epochs.setCurrentEpoch(epoch(11), done));
    expect(text(world.disk.durable('acceptedEpoch'))).toBe('12');
    expect(text(world.disk.durable('currentEpoch'))).toBe('11');
    world.crash();
    expect(load(world, z(11, 5)).ok).toBe(true);
    expect(epochsOf(world)).toBe('12/11');
  });

  it('that are missing become those of the last transaction, and are written', () => {
    const world = withFiles({});
    expect(load(world, z(3, 7)).ok).toBe(true);
    expect(epochsOf(world)).toBe('3/3');
    expect(text(world.disk.durable('acceptedEpoch'))).toBe('3');
    expect(text(world.disk.durable('currentEpoch'))).toBe('3');
  });

  it('may end with a newline, as when a person wrote them', () => {
    const world = withFiles({ acceptedEpoch: '5\n', currentEpoch: '4\r\n' });
    expect(load(world, z(4, 1)).ok).toBe(true);
    expect(epochsOf(world)).toBe('5/4');
  });

  it.each(['', 'five', '5 4', '0x5', '5.5', '\0\0'])('that hold %j are refused', (content) => {
    const world = withFiles({ acceptedEpoch: content, currentEpoch: '4' });
    expect(load(world, z(4, 1))).toMatchObject({
      ok: false,
      error: { kind: 'corrupt', file: 'acceptedEpoch' },
    });
  });

  it('with an accepted epoch below the current one are refused', () => {
    const world = withFiles({ acceptedEpoch: '3', currentEpoch: '4' });
    expect(load(world, z(3, 1))).toMatchObject({ ok: false, error: { kind: 'corrupt' } });
  });

  it('with an accepted epoch below that of the log are refused', () => {
    const world = withFiles({ acceptedEpoch: '3', currentEpoch: '3' });
    expect(load(world, z(4, 1))).toMatchObject({ ok: false, error: { kind: 'incomplete' } });
  });
});

describe('a log that is ahead of currentEpoch', () => {
  it('keeps the epoch of the file: a crash came between the last flush and currentEpoch', () => {
    const world = withFiles({ acceptedEpoch: '6', currentEpoch: '4' });
    expect(load(world, z(5, 9)).ok).toBe(true);
    expect(epochsOf(world)).toBe('6/4');
  });

  it('takes the epoch of currentEpoch.tmp, which was written when the history was complete', () => {
    const world = withFiles({ acceptedEpoch: '5', currentEpoch: '4', 'currentEpoch.tmp': '5' });
    expect(load(world, z(5, 9)).ok).toBe(true);
    expect(epochsOf(world)).toBe('5/5');
    expect(text(world.disk.durable('currentEpoch'))).toBe('5');
    expect(world.disk.names()).not.toContain('currentEpoch.tmp');
  });

  it.each(['', '4', '3', 'x'])('passes over a currentEpoch.tmp with %j', (content) => {
    const world = withFiles({
      acceptedEpoch: '5',
      currentEpoch: '4',
      'currentEpoch.tmp': content,
    });
    expect(load(world, z(5, 9)).ok).toBe(true);
    expect(epochsOf(world)).toBe('5/4');
  });
});

describe('a leftover currentEpoch.tmp', () => {
  it('changes nothing while the log is not ahead, and goes', () => {
    const world = withFiles({ acceptedEpoch: '5', currentEpoch: '4', 'currentEpoch.tmp': '5' });
    expect(load(world, z(4, 9)).ok).toBe(true);
    expect(epochsOf(world)).toBe('5/4');
    expect(world.disk.names()).toEqual(['acceptedEpoch', 'currentEpoch']);
  });
});

describe('writing an epoch', () => {
  it('is visible only when it is durable, at every moment', () => {
    crashAtEveryEvent(
      () => {
        const world = withFiles({ acceptedEpoch: '4', currentEpoch: '4' });
        load(world, z(4, 1));
        return world;
      },
      (world, answered) => {
        world.epochs.setAcceptedEpoch(epoch(5), () => {
          expect(world.epochs.acceptedEpoch).toBe(5n);
          world.epochs.setCurrentEpoch(epoch(5), answered);
        });
        expect(world.epochs.acceptedEpoch).toBe(4n);
      },
      (world, wasAnswered) => {
        expect(load(world, z(4, 1)).ok).toBe(true);
        expect(['4/4', '5/4', '5/5']).toContain(epochsOf(world));
        if (wasAnswered) expect(epochsOf(world)).toBe('5/5');
      },
    );
  });

  it('of a current epoch that was never accepted is our own mistake', () => {
    const world = withFiles({});
    load(world, zxid(0n));
    expect(() => world.epochs.setCurrentEpoch(epoch(1), () => {})).toThrow(/before epoch/);
  });

  it('that fails is told of, and the old epoch stays', () => {
    const world = withFiles({});
    load(world, zxid(0n));
    world.disk.failNext('full');
    const result = world.call((done: (r: unknown) => void) =>
      world.epochs.setAcceptedEpoch(epoch(1), done),
    );
    expect(result).toMatchObject({ ok: false, error: { kind: 'full' } });
    expect(world.epochs.acceptedEpoch).toBe(0n);
    expect(world.eventsOf('failed')).toHaveLength(1);
  });
});
