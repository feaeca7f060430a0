/** A console's session: lines in, lines out, a history to look at and to redo, and help with what is being typed. */

import type { WatchedEvent, ZooKeeper } from '../../client/zooKeeper.ts';
import { KeeperError } from '../../wire/errorCodes.ts';
import { CommandError, wordsOf } from './commandLine.ts';
import { type CommandContext, COMMANDS, runCommand } from './commands.ts';
import { errorText } from './printing.ts';

export interface ConsoleOutput {
  print(line: string): void;
  complain(line: string): void;
}

const OWN_USAGE = new Map([
  ['help', ''],
  ['history', ''],
  ['printwatches', 'on|off'],
  ['redo', 'cmdno'],
]);
/** zkCli shows so many of the last lines before the present one. */
const HISTORY_SHOWN = 10;

export class ConsoleSession {
  readonly history: string[] = [];
  readonly #client: () => ZooKeeper;
  readonly #output: ConsoleOutput;
  #printsWatches = true;

  constructor(client: () => ZooKeeper, output: ConsoleOutput) {
    this.#client = client;
    this.#output = output;
  }

  /** Runs one line; whatever goes wrong is said, not thrown. */
  async run(line: string): Promise<void> {
    if (line.trim() === '') return;
    this.history.push(line);
    try {
      await this.#execute(line);
    } catch (error) {
      if (error instanceof KeeperError) this.#output.complain(errorText(error));
      else if (error instanceof CommandError) this.#output.complain(error.message);
      else throw error;
    }
  }

  /** Commands, or nodes of the tree, that what stands before the cursor may become. */
  async complete(line: string): Promise<readonly string[]> {
    const word = /\S*$/.exec(line)?.[0] ?? '';
    const before = line.slice(0, line.length - word.length);
    if (before.trim() === '') {
      return [...COMMANDS.keys(), ...OWN_USAGE.keys()]
        .filter((name) => name.startsWith(word))
        .sort()
        .map((name) => `${before}${name} `);
    }
    if (!word.startsWith('/')) return [];
    const parent = word.slice(0, word.lastIndexOf('/')) || '/';
    const prefix = word.slice(word.lastIndexOf('/') + 1);
    try {
      const { children } = await this.#client().getChildren(parent);
      const base = parent === '/' ? '/' : `${parent}/`;
      return children
        .filter((name) => name.startsWith(prefix))
        .sort()
        .map((name) => `${before}${base}${name}`);
    } catch (error) {
      // A path that is not there has nothing to offer.
      if (error instanceof KeeperError) return [];
      throw error;
    }
  }

  async #execute(line: string): Promise<void> {
    const [name = '', ...words] = wordsOf(line);
    switch (name) {
      case 'help':
        for (const text of usages()) this.#output.complain(`\t${text}`);
        return;
      case 'history':
        this.#tellHistory();
        return;
      case 'printwatches':
        this.#tellWatches(words[0]);
        return;
      case 'redo':
        return this.#redo(words[0]);
      default:
        return runCommand(name, words, this.#context());
    }
  }

  #context(): CommandContext {
    return {
      client: this.#client(),
      print: (...lines) => {
        for (const line of lines) this.#output.print(line);
      },
      complain: (line) => this.#output.complain(line),
      watcher: this.#fired,
    };
  }

  /** One for all, so that setting the same watch twice is one watch, as in zkCli. */
  readonly #fired = ({ name, path }: WatchedEvent): void => {
    if (!this.#printsWatches) return;
    for (const line of [
      '',
      'WATCHER::',
      '',
      `WatchedEvent state:SyncConnected type:${name} path:${path}`,
    ]) {
      this.#output.print(line);
    }
  };

  #tellHistory(): void {
    const last = this.history.length - 1;
    for (let index = Math.max(0, last - HISTORY_SHOWN); index <= last; index++) {
      this.#output.print(`${index} - ${this.history[index] ?? ''}`);
    }
  }

  #tellWatches(wanted: string | undefined): void {
    if (wanted === undefined) {
      this.#output.print(`printwatches is ${this.#printsWatches ? 'on' : 'off'}`);
    } else this.#printsWatches = wanted === 'on';
  }

  async #redo(number: string | undefined): Promise<void> {
    // zkCli has nothing to say to that either.
    if (number === undefined) return;
    const line = /^\d+$/.test(number) ? this.history[Number(number)] : undefined;
    if (line === undefined || Number(number) >= this.history.length - 1) {
      throw new CommandError('Command index out of range');
    }
    if (wordsOf(line)[0] === 'redo') throw new CommandError('No redoing redo');
    this.history[this.history.length - 1] = line;
    await this.#execute(line);
  }
}

const usages = (): readonly string[] =>
  [
    ...[...COMMANDS].map(([name, { usage }]) => `${name} ${usage}`),
    ...[...OWN_USAGE].map((own) => own.join(' ')),
  ].sort();
