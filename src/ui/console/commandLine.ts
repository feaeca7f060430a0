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

/** What a command takes besides its words; all of it may be left out. */
export interface OptionSpec {
  /** Letters that stand alone. */
  readonly flags?: string;
  /** Letters with a value. */
  readonly valued?: string;
  /** Longer names with a value: `-members`. */
  readonly valuedNames?: readonly string[];
  readonly choice?: Choice;
}

/** Options of which at most one may be given. */
export interface Choice {
  /** Letter and what zkCli calls it. */
  readonly letters: ReadonlyMap<string, string>;
  /** One must be given. */
  readonly required: boolean;
}

const CLI = 'org.apache.commons.cli.';

/** @throws CommandError in the words of zkCli's own parser */
export function parseArguments(words: readonly string[], spec: OptionSpec): Arguments {
  const options = new Map<string, string>();
  const rest: string[] = [];
  const valueAt = (at: number, option: string): string => {
    const value = words[at];
    if (value !== undefined && optionOf(value, spec) === null) return value;
    throw new CommandError(
      `${CLI}MissingArgumentException: Missing argument for option: ${option}`,
    );
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!/^-[A-Za-z]/.test(word)) {
      rest.push(word);
      continue;
    }
    const found = optionOf(word, spec);
    if (found === null) {
      throw new CommandError(`${CLI}UnrecognizedOptionException: Unrecognized option: ${word}`);
    }
    if (found.kind === 'flags') {
      for (const letter of found.letters) choose(letter, options, spec, '');
    } else {
      choose(found.name, options, spec, null);
      const value = found.value === '' ? valueAt(++at, found.name) : found.value;
      options.set(found.name, value);
    }
  }
  checkRequired(options, spec);
  return { options, rest };
}

type Option =
  | { readonly kind: 'flags'; readonly letters: readonly string[] }
  /** An empty value is in the next word. */
  | { readonly kind: 'valued'; readonly name: string; readonly value: string };

function optionOf(word: string, spec: OptionSpec): Option | null {
  if (!word.startsWith('-') || word.length < 2) return null;
  const text = word.slice(1);
  if (spec.valuedNames?.includes(text)) return { kind: 'valued', name: text, value: '' };
  const [letter = ''] = text;
  if (spec.valued?.includes(letter)) {
    return { kind: 'valued', name: letter, value: text.slice(1) };
  }
  const letters = [...text];
  return letters.every((each) => spec.flags?.includes(each)) ? { kind: 'flags', letters } : null;
}

function choose(
  letter: string,
  options: Map<string, string>,
  { choice }: OptionSpec,
  value: string | null,
): void {
  const chosen = [...(choice?.letters.keys() ?? [])].find((each) => options.has(each));
  if (choice?.letters.has(letter) && chosen !== undefined && chosen !== letter) {
    throw new CommandError(
      `${CLI}AlreadySelectedException: The option '${letter}' was specified but an option from this group has already been selected: '${chosen}'`,
    );
  }
  if (value !== null) options.set(letter, value);
}

function checkRequired(options: ReadonlyMap<string, string>, { choice }: OptionSpec): void {
  if (choice?.required !== true) return;
  if ([...choice.letters.keys()].some((letter) => options.has(letter))) return;
  const all = [...choice.letters].map(([letter, text]) => `-${letter} ${text}`).join(', ');
  throw new CommandError(`${CLI}MissingOptionException: Missing required option: [${all}]`);
}
