import { describe, expect, it } from 'vitest';
import {
  childName,
  childPath,
  isSpecialPath,
  parentPath,
  pathProblem,
  sequentialPath,
  validatePath,
} from '../../../src/tree/paths.ts';
import { ErrorCode, KeeperError } from '../../../src/wire/errorCodes.ts';

describe('a path', () => {
  it.each(['/', '/a', '/a/b.c', '/...', '/a/..b', '/ü/日本', '/a b', '/\u00a0', '/\uffef'])(
    '%j may name a node',
    (path) => expect(pathProblem(path)).toBeNull(),
  );

  it.each([
    ['', 'empty'],
    ['a', 'start with /'],
    ['/a/', 'end with /'],
    ['//', 'end with /'],
    ['/a//b', 'empty name'],
    ['/.', 'the name .'],
    ['/a/../b', 'the name ..'],
    ['/a\u0000', 'U+0000'],
    ['/a\u001f', 'U+001f'],
    ['/a\u007f', 'U+007f'],
    ['/a\u009f', 'U+009f'],
    ['/😀', 'U+d83d'],
    ['/\uf8ff', 'U+f8ff'],
    ['/\uffff', 'U+ffff'],
  ])('%j may not, and is told why', (path, reason) => {
    expect(pathProblem(path)).toContain(reason);
    expect(() => validatePath(path)).toThrow(KeeperError);
  });

  it('that is sequential may end in a slash, since a number follows', () => {
    expect(() => validatePath('/queue/', true)).not.toThrow();
    expect(() => validatePath('/queue/', false)).toThrow(
      expect.objectContaining({ code: ErrorCode.BadArguments, path: '/queue/' }),
    );
  });

  it('is taken apart and put together', () => {
    expect([parentPath('/a/b'), parentPath('/a'), parentPath('/')]).toEqual(['/a', '/', '/']);
    expect([childName('/a/b'), childName('/a')]).toEqual(['b', 'a']);
    expect([childPath('/', 'a'), childPath('/a', 'b')]).toEqual(['/a', '/a/b']);
  });

  it('of the server itself is special', () => {
    const special = ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'];
    expect(special.every(isSpecialPath)).toBe(true);
    expect(isSpecialPath('/zookeeper/quota/a')).toBe(false);
  });

  it.each([
    [0, '/a-0000000000'],
    [7, '/a-0000000007'],
    [2147483647, '/a-2147483647'],
    [-2147483648, '/a--2147483648'],
    [-5, '/a--000000005'],
  ])('gets sequence number %d as ten digits', (cversion, path) =>
    expect(sequentialPath('/a-', cversion)).toBe(path),
  );
});
