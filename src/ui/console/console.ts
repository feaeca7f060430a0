/**
 * A console: lines in, lines out, a ZooKeeper session of its own as zkCli has one, a history to look at and to redo, and
 * help with what is being typed. It knows nothing of how it looks.
 */

import type { ClientState, WatchedEvent, ZooKeeper } from '../../client/zooKeeper.ts';
import { KeeperError } from '../../wire/errorCodes.ts';
import type { CommandContext } from './command.ts';
import { CommandError, wordsOf } from './commandLine.ts';
import { COMMANDS, runCommand } from './commands.ts';
import { errorText } from './printing.ts';
import {
  askServers,
  FOUR_LETTER_USAGE,
  FOUR_LETTER_WORDS,
  wordsOfPipe,
  type WordsWorld,
} from './serverWords.ts';

export interface ConsoleWorld extends WordsWorld {
  /** Where a console connects by itself. */
  readonly home: string;
  /** Opens a session. @throws CommandError where that is no address */
  connect(address: string): ZooKeeper;
}

export interface ConsoleOutput {
  /** A line that is run now, behind its prompt. */
  typed(line: string): void;
  print(line: string): void;
  complain(line: string): void;
  /** A command could not be done; zkCli prints it on its error stream as well. */
  fail(line: string): void;
  /** The console was left: nothing of it is to be seen any more. */
  quit(): void;
}

/** Commands about the console itself; those in zkCli's help first. */
const ZK_CLI_USAGE = new Map([
  ['close', ''],
  ['connect', 'host:port'],
  ['history', ''],
  ['printwatches', 'on|off'],
  ['quit', ''],
  ['redo', 'cmdno'],
  ['version', ''],
]);
const OWN_USAGE = new Map([
  ['4lw', FOUR_LETTER_USAGE],
  ['help', ''],
]);
/** zkCli shows so many of the last lines before the present one. */
const HISTORY_SHOWN = 10;
const VERSION = 'ZooKeeper CLI version: 3.8.0-tabkeeper';

/** What zkCli calls the states of a connection that its watcher hears of. */
const STATE_NAMES: Partial<Record<ClientState, string>> = {
  connected: 'SyncConnected',
  disconnected: 'Disconnected',
  expired: 'Expired',
  closed: 'Closed',
  authFailed: 'AuthFailed',
};

export class ConsoleSession {
  readonly history: string[] = [];
  readonly #world: ConsoleWorld;
  readonly #output: ConsoleOutput;
  #address: string;
  /** Null until the first command that needs one. */
  #client: ZooKeeper | null = null;
  #printsWatches = true;
  /** The lines before the next one. */
  #last: Promise<void> = Promise.resolve();

  constructor(world: ConsoleWorld, output: ConsoleOutput) {
    this.#world = world;
    this.#output = output;
    this.#address = world.home;
  }

  /** As zkCli's, with the number that `redo` takes. */
  get prompt(): string {
    const state = this.#client?.state ?? 'connecting';
    const name = state === 'disconnected' ? 'connecting' : state;
    return `[zk: ${this.#address}(${name.toUpperCase()}) ${this.history.length}]`;
  }

  /** Ends its session, if there is one. */
  async end(): Promise<void> {
    await this.#client?.close();
  }

  /** Runs one line, after those before it; whatever goes wrong is said, not thrown. */
  run(line: string): Promise<void> {
    const running = this.#last.then(() => this.#run(line));
    // Whoever waits for that line hears of its error; the next line does not.
    this.#last = running.then(nothing, nothing);
    return running;
  }

  async #run(line: string): Promise<void> {
    if (line.trim() === '') return;
    this.#output.typed(`${this.prompt} ${line}`);
    this.history.push(line);
    try {
      await this.#execute(line);
    } catch (error) {
      if (error instanceof KeeperError) this.#output.fail(errorText(error));
      else if (error instanceof CommandError) this.#output.fail(error.message);
      else throw error;
    }
  }

  /** Commands, or nodes of the tree, that what stands before the cursor may become. */
  async complete(line: string): Promise<readonly string[]> {
    const word = /\S*$/.exec(line)?.[0] ?? '';
    const before = line.slice(0, line.length - word.length);
    if (before.trim() === '') {
      return [...COMMANDS.keys(), ...ZK_CLI_USAGE.keys(), ...OWN_USAGE.keys()]
        .filter((name) => name.startsWith(word))
        .sort()
        .map((name) => `${before}${name} `);
    }
    if (before.trim() === '4lw') {
      return FOUR_LETTER_WORDS.filter((each) => each.startsWith(word)).map(
        (each) => `${before}${each} `,
      );
    }
    if (!word.startsWith('/') || !this.#isAlive()) return [];
    const parent = word.slice(0, word.lastIndexOf('/')) || '/';
    const prefix = word.slice(word.lastIndexOf('/') + 1);
    try {
      const { children } = await this.#connected().getChildren(parent);
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
    const asked = name === '4lw' ? words : wordsOfPipe(line);
    if (asked !== null) return askServers(this.#world, this.#server(), asked, this.#output);
    switch (name) {
      case 'help':
        for (const text of usages()) this.#output.complain(`\t${text}`);
        return;
      case 'quit':
        await this.end();
        this.#output.quit();
        return;
      case 'connect':
        return this.#connect(words[0] ?? this.#address);
      case 'history':
        this.#tellHistory();
        break;
      case 'printwatches':
        this.#tellWatches(words[0]);
        break;
      case 'redo':
        await this.#redo(words[0]);
        break;
    }
    if (!COMMANDS.has(name) && !ZK_CLI_USAGE.has(name)) {
      throw new CommandError(`Command not found: Command not found ${name}`);
    }
    // zkCli looks at the connection last, whatever it has done before.
    if (!this.#isAlive()) this.#output.print('Not connected');
    else if (name === 'close') await this.end();
    else if (name === 'version') this.#tellVersion(words);
    else if (!ZK_CLI_USAGE.has(name)) await runCommand(name, words, this.#context());
  }

  #context(): CommandContext {
    return {
      client: this.#connected(),
      print: (...lines) => {
        for (const line of lines) this.#output.print(line);
      },
      complain: (line) => this.#output.complain(line),
      watcher: this.#fired,
    };
  }

  /** Before its first command a console has no session, and may have one. */
  #isAlive(): boolean {
    return !['closed', 'expired', 'authFailed'].includes(this.#client?.state ?? 'connecting');
  }

  #connected(): ZooKeeper {
    return (this.#client ??= this.#open(this.#address));
  }

  /** zkCli closes the old session before it looks at the new address. */
  async #connect(address: string): Promise<void> {
    await this.end();
    this.#client = this.#open(address);
    this.#address = address;
  }

  #open(address: string): ZooKeeper {
    const client = this.#world.connect(address);
    client.on('state', (state) => {
      const name = STATE_NAMES[state];
      if (name !== undefined) this.#tellEvent(`state:${name} type:None path:null`);
    });
    return client;
  }

  /** The server that the console is connected to, or would be. */
  #server(): string {
    return this.#address.replace(/[,/].*$/, '');
  }

  /** One for all, so that setting the same watch twice is one watch, as in zkCli. */
  readonly #fired = ({ name, path }: WatchedEvent): void => {
    this.#tellEvent(`state:SyncConnected type:${name} path:${path}`);
  };

  #tellEvent(event: string): void {
    if (!this.#printsWatches) return;
    for (const line of ['', 'WATCHER::', '', `WatchedEvent ${event}`]) this.#output.print(line);
  }

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

  #tellVersion(words: readonly string[]): void {
    if (words.length > 0) throw new CommandError('version ');
    this.#output.print(VERSION);
  }

  async #redo(number: string | undefined): Promise<void> {
    // zkCli has nothing to say to that either.
    if (number === undefined) return;
    const line = /^\d+$/.test(number) ? this.history[Number(number)] : undefined;
    if (line === undefined || Number(number) >= this.history.length - 1) {
      throw new CommandError('Command index out of range');
    }
    if (wordsOf(line)[0] === 'redo') throw new CommandError('No redoing redos');
    this.history[this.history.length - 1] = line;
    await this.#execute(line);
  }
}

const nothing = (): void => {};

const usages = (): readonly string[] =>
  [
    ...[...COMMANDS].map(([name, { usage }]) => `${name} ${usage}`),
    ...[...ZK_CLI_USAGE, ...OWN_USAGE].map((own) => own.join(' ')),
  ].sort();
