import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/configError.ts';
import { parseProperties } from '../../../src/config/javaProperties.ts';

const pairs = (text: string): [string, string, number | null][] =>
  parseProperties(text).map(({ key, value, line }) => [key, value, line]);

describe('texts in the format of java.util.Properties', () => {
  it('take =, : or blanks between key and value, and leave blanks around them out', () => {
    expect(pairs('a=1\n  b : 2\n\tc 3\nd\t=\t4 \ne')).toEqual([
      ['a', '1', 1],
      ['b', '2', 2],
      ['c', '3', 3],
      ['d', '4 ', 4],
      ['e', '', 5],
    ]);
  });

  it('keep separators inside the value', () => {
    expect(pairs('server.1=a:1:2;3=4')).toEqual([['server.1', 'a:1:2;3=4', 1]]);
  });

  it('leave comments and blank lines out, and count lines of all three kinds of line end', () => {
    expect(pairs('# no=1\r\n\r\n ! no=2\ra=1\n \t\nb=2')).toEqual([
      ['a', '1', 4],
      ['b', '2', 6],
    ]);
  });

  it('go on on the next line after a backslash, but not after two', () => {
    expect(pairs('a=1,\\\n   2,\\\r\n   3\nb=x\\\\\nc=4')).toEqual([
      ['a', '1,2,3', 1],
      ['b', 'x\\', 4],
      ['c', '4', 5],
    ]);
  });

  it('do not let a comment go on, but take a # inside a line that goes on', () => {
    expect(pairs('#c\\\na=1\nb=1\\\n#2')).toEqual([
      ['a', '1', 2],
      ['b', '1#2', 3],
    ]);
  });

  it('undo escapes in keys and values', () => {
    expect(pairs('a\\=b\\ c=\\t\\u0041\\:\\z')).toEqual([['a=b c', '\tA:z', 1]]);
  });

  it('with a \\u that is no character are refused, naming the line', () => {
    expect(() => pairs('a=1\nb=C:\\users')).toThrow(ConfigError);
    expect(() => pairs('a=1\nb=C:\\users')).toThrow(/^line 2: /);
  });

  it('may end in the middle of a line that goes on', () => {
    expect(pairs('a=1\\')).toEqual([['a', '1', 1]]);
  });
});
