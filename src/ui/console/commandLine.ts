/** A line of the console taken apart as zkCli does: words with quotes, then options and the rest. Pure. */

/** A command asked for in a way it does not know; the message is what zkCli prints. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export interface Arguments {
  /** Options given, with their values; a flag's value is empty. */
  readonly options: ReadonlyMap<string, string>;
  readonly rest: readonly string[];
}

/** Words between spaces; quotes, single or double, keep spaces inside. */
export function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  for (const [whole, double, single] of line.matchAll(/"([^"]*)"|'([^']*)'|\S+/g)) {
    words.push(double ?? single ?? whole);
  }
  return words;
}

/** `flags` are letters without, `valued` letters with a value. */
export function parseArguments(words: readonly string[], flags: string, valued = ''): Arguments {
  const options = new Map<string, string>();
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!/^-[A-Za-z]/.test(word)) {
      rest.push(word);
      continue;
    }
    const letters = word.slice(1);
    const [letter = ''] = letters;
    if (valued.includes(letter)) {
      const attached = letters.slice(1);
      const value = attached === '' ? words[++at] : attached;
      if (value === undefined) {
        throw new CommandError(
          `org.apache.commons.cli.MissingArgumentException: Missing argument for option: ${letter}`,
        );
      }
      options.set(letter, value);
    } else if ([...letters].every((each) => flags.includes(each))) {
      for (const each of letters) options.set(each, '');
    } else {
      throw new CommandError(
        `org.apache.commons.cli.UnrecognizedOptionException: Unrecognized option: ${word}`,
      );
    }
  }
  return { options, rest };
}
