/** The four-letter words from the console, to any server of the room: what ZooKeeper's admins ask with `nc`. */

import { CommandError } from './commandLine.ts';

export const FOUR_LETTER_USAGE = 'word [server[,...]|all]';

/** Those a room's servers answer; they only read. */
export const FOUR_LETTER_WORDS = [
  'conf',
  'cons',
  'dump',
  'envi',
  'isro',
  'mntr',
  'ruok',
  'srvr',
  'stat',
  'wchs',
];

export interface WordsWorld {
  /** Client addresses of the servers that are here. */
  servers(): readonly string[];
  /** Rejects with an `Error` for a person. */
  ask(address: string, word: string): Promise<string>;
}

/** `echo stat | nc host port` as the words of our own command; null for any other line. */
export function wordsOfPipe(line: string): readonly string[] | null {
  const [, word, host, port = '2181'] =
    /^\s*echo\s+(\w{4})\s*\|\s*nc\s+([\w.-]+)(?:\s+(\d+))?\s*$/.exec(line) ?? [];
  return word === undefined ? null : [word, `${host}:${port}`];
}

/** Asks each server and prints what it says; `home` is asked where none is named. */
export async function askServers(
  world: WordsWorld,
  home: string,
  [word, servers]: readonly string[],
  output: { print(line: string): void; fail(line: string): void },
): Promise<void> {
  if (word === undefined || !/^[a-z]{4}$/.test(word)) {
    throw new CommandError(
      `4lw ${FOUR_LETTER_USAGE} # word is one of ${FOUR_LETTER_WORDS.join(', ')}`,
    );
  }
  const addresses = addressesOf(world, servers ?? home);
  const answers = addresses.map((address) => world.ask(address, word).then(said, failed));
  for (const [index, address] of addresses.entries()) {
    const answer = await answers[index];
    if (addresses.length > 1) output.print(`${address}:`);
    if (answer === undefined) continue;
    if (!answer.ok) output.fail(answer.text);
    else for (const line of answer.text.replace(/\n$/, '').split('\n')) output.print(line);
  }
}

const said = (text: string) => ({ ok: true, text });

function failed(error: unknown) {
  if (error instanceof Error) return { ok: false, text: error.message };
  throw error;
}

/** A bare number is that server of the room. */
function addressesOf(world: WordsWorld, text: string): readonly string[] {
  if (text === 'all') return world.servers();
  return text
    .split(',')
    .map((each) => (/^\d+$/.test(each) ? `tab-${each}` : each))
    .map((each) => (each.includes(':') ? each : `${each}:2181`));
}
