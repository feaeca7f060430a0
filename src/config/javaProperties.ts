/**
 * Text in the format of `java.util.Properties`, which is what `zoo.cfg` and config texts are: comments, `=` or `:` or
 * blank between key and value, escapes, lines that go on. Keeps line numbers so that errors can name them.
 */

import { ConfigError } from './configError.ts';

export interface PropertyEntry {
  readonly key: string;
  readonly value: string;
  /** 1-based line on which the entry begins; null for one that stands in no text. */
  readonly line: number | null;
}

/**
 * All entries in the order of the text, repeated keys included (Java keeps the last).
 * @throws ConfigError on a `\u` that four hex digits do not follow
 */
export function parseProperties(text: string): readonly PropertyEntry[] {
  return logicalLines(text).map(({ content, line }) => parseEntry(content, line));
}

interface LogicalLine {
  readonly content: string;
  readonly line: number;
}

function logicalLines(text: string): readonly LogicalLine[] {
  const natural = text.split(/\r\n|\r|\n/);
  const lines: LogicalLine[] = [];
  for (let i = 0; i < natural.length; i++) {
    const line = i + 1;
    let content = trimStart(natural[i] ?? '');
    if (content === '' || content.startsWith('#') || content.startsWith('!')) continue;
    while (endsInOddBackslash(content)) {
      i++;
      content = content.slice(0, -1) + trimStart(natural[i] ?? '');
    }
    lines.push({ content, line });
  }
  return lines;
}

const trimStart = (text: string): string => text.replace(/^[ \t\f]+/, '');

function endsInOddBackslash(text: string): boolean {
  const run = /\\+$/.exec(text);
  return run !== null && run[0].length % 2 === 1;
}

function parseEntry(content: string, line: number): PropertyEntry {
  const match = /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*([^]*)$/.exec(content);
  const [, key = '', value = ''] = match ?? [];
  return { key: unescape(key, line), value: unescape(value, line), line };
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['f', '\f'],
]);

function unescape(text: string, line: number): string {
  return text.replace(
    /\\(?:u([0-9a-fA-F]{4})|(u)|([^]))/g,
    (_all, hex?: string, bare?: string, char?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (bare !== undefined || char === undefined) {
        throw new ConfigError(
          line,
          'a \\u is not followed by four hex digits; write \\\\u for a backslash and a u',
        );
      }
      return ESCAPES.get(char) ?? char;
    },
  );
}
