import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64Url, toBase64Url } from '../../../src/room/encoding.ts';
import type { LinkProblem } from '../../../src/room/roomLink.ts';
import { formatRoomLink, newRoomLink, parseRoomLink } from '../../../src/room/roomLink.ts';
import { testRandom } from './testWorld.ts';

const KEY = 'AAECAwQFBgcICQoLDA0ODw';

function problems(link: string): readonly LinkProblem[] {
  const parsed = parseRoomLink(link);
  if (parsed.kind !== 'bad') throw new Error(`expected a bad link, got ${parsed.kind}`);
  return parsed.problems;
}

describe('a room link', () => {
  it('comes back from its own text, whatever it says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1 as const, 3 as const, 5 as const, 7 as const),
        fc.integer(),
        fc.option(fc.integer({ min: 1, max: 33 })),
        (servers, seed, sid) => {
          const observer = sid === null || sid > servers;
          const link = { ...newRoomLink(servers, testRandom(seed)), sid, observer };
          expect(parseRoomLink(formatRoomLink(link))).toEqual({ kind: 'room', link });
        },
      ),
    );
  });

  it('is read from a whole URL', () => {
    const parsed = parseRoomLink(`https://example.org/x?y=1#room=r&servers=3&key=${KEY}`);
    expect(parsed).toMatchObject({ kind: 'room', link: { room: 'r', servers: 3, sid: null } });
  });

  it('is no link at all without a fragment', () => {
    expect(parseRoomLink('http://localhost:8080/')).toEqual({ kind: 'none' });
    expect(parseRoomLink('#')).toEqual({ kind: 'none' });
  });

  it('names every part that is wrong, with what would do', () => {
    const found = problems('#room=a b&servers=4&key=short&sid=x');
    expect(found.map((problem) => problem.part)).toEqual(['room', 'servers', 'key']);
    expect(found[1]?.message).toContain('"4"');
    expect(found[1]?.remedy).toContain('1, 3, 5, 7');
  });

  it('says which sids the room has when it has not this one', () => {
    expect(problems(`#room=a&servers=3&key=${KEY}&sid=36`)[0]).toMatchObject({
      part: 'sid',
      message: 'This room has no server "36".',
    });
  });

  it('does not let a voter be an observer', () => {
    expect(problems(`#room=a&servers=3&key=${KEY}&sid=2&observer`)[0]?.part).toBe('sid');
  });

  it('names parts it does not know and parts said twice', () => {
    const found = problems(`#room=a&room=b&severs=3&servers=3&key=${KEY}`);
    expect(found.map((problem) => problem.message)).toEqual([
      'The link says "room" twice.',
      'The link has a part called "severs", which means nothing here.',
    ]);
  });

  it('never throws, whatever is typed', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseRoomLink(`#${text}`)));
  });
});

describe('base64url', () => {
  it('gives the same bytes back and has one spelling for them', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
      }),
    );
    expect(fromBase64Url('AB')).toBeNull();
    expect(fromBase64Url('A')).toBeNull();
    expect(fromBase64Url('A=')).toBeNull();
  });
});
