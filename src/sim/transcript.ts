/**
 * Conversations as readable text. A transcript holds commands (`> start 1 2 3`) and under each, indented, what happened;
 * playing it runs the commands in a fresh simulated ensemble and gives the same text with what happens now.
 */

import type { ProbeRecord } from '../ports/probe.ts';
import { KeeperError } from '../wire/errorCodes.ts';
import { Ensemble } from './ensemble.ts';
import { type Shown, recordText } from './recordText.ts';
import type { ScriptedClient } from './scriptedClient.ts';

/** Fixed delays, so that only a change of behaviour changes the text. */
const FIXED_MS = [1, 1] as const;
const OUTPUT_INDENT = '  ';
const SETTLE_MS = 300;
/** `ensemble 3 snapCount=100`: a snapshot, and a new log file, this often. */
const SNAP_COUNT = 'snapCount=';

/** A command that cannot be carried out: a mistake of the transcript's writer. */
class TranscriptError extends Error {
  override readonly name = 'TranscriptError';
}

/** Plays all commands of `source`; gives it back with the output of this run. Comments and blank lines stay. */
export async function playTranscript(source: string): Promise<string> {
  const stage = new Stage();
  const lines: string[] = [];
  for (const line of source.split('\n')) {
    if (line.startsWith(OUTPUT_INDENT)) continue;
    lines.push(line);
    if (!line.startsWith('> ')) continue;
    const output = await stage.play(line.slice(2).trim());
    lines.push(...output.map((text) => OUTPUT_INDENT + text));
  }
  return lines.join('\n');
}

class Stage {
  #ensemble: Ensemble | null = null;
  readonly #shown = new Set<Shown>(['packets']);
  readonly #clients = new Map<string, ScriptedClient>();
  #output: string[] = [];
  #muted = false;

  async play(command: string): Promise<readonly string[]> {
    this.#output = [];
    const [verb = '', ...words] = command.split(/\s+/);
    try {
      await this.#carryOut(verb, words);
    } catch (error) {
      if (!(error instanceof KeeperError)) throw error;
      this.#output.push(`error: ${error.message}`);
    }
    return this.#output;
  }

  get ensemble(): Ensemble {
    if (this.#ensemble === null) throw new TranscriptError('begin with `ensemble <participants>`');
    return this.#ensemble;
  }

  async #carryOut(verb: string, words: readonly string[]): Promise<void> {
    switch (verb) {
      case 'ensemble':
        return this.#found(words);
      case 'mute':
      case 'unmute':
        this.#muted = verb === 'mute';
        return;
      case 'show':
      case 'hide':
        for (const word of words) this.#show(shownOf(word), verb === 'show');
        return;
      case 'start':
        this.ensemble.start(...words.map(Number));
        return;
      case 'crash':
        for (const word of words) this.ensemble.crash(Number(word));
        return;
      case 'powerOff':
        for (const word of words) this.ensemble.crash(Number(word), 'silent');
        return;
      case 'stop':
        for (const word of words) await this.ensemble.stop(Number(word));
        return;
      case 'freeze':
        for (const word of words) this.ensemble.machine(Number(word)).freeze();
        return;
      case 'thaw':
        for (const word of words) this.ensemble.machine(Number(word)).thaw();
        return;
      case 'partition':
        return this.ensemble.partition(...groupsOf(words));
      case 'heal':
        return this.ensemble.heal();
      case 'deliver':
        return this.ensemble.simulation.sleep(numberOf(words[0]));
      case 'serving':
        return this.#untilServing(words);
      case 'client':
        return this.#connect(words);
      case 'disconnect':
        return this.#client(words[0]).disconnect();
      case 'write':
        return this.#write(words);
      case 'send':
        return this.#send(words);
      case 'read':
        return this.#read(words);
      case 'fill':
        return this.#fill(words);
      case 'trees':
        return this.#trees();
      case 'status':
        return this.#status();
      default:
        throw new TranscriptError(`no such command: ${verb}`);
    }
  }

  #found(words: readonly string[]): void {
    const [participants, observers] = words.filter((word) => !word.includes('='));
    const snapCount = words.find((word) => word.startsWith(SNAP_COUNT));
    this.#ensemble = new Ensemble({
      seed: 1,
      participantCount: numberOf(participants),
      observerCount: observers === undefined ? 0 : numberOf(observers),
      config:
        snapCount === undefined ? {} : { snapCount: numberOf(snapCount.slice(SNAP_COUNT.length)) },
      network: { latencyMs: FIXED_MS, cutSegments: false },
      disk: { flushMs: FIXED_MS, readMs: FIXED_MS, capacityBytes: Infinity, unflushed: 'lost' },
    });
    this.ensemble.simulation.subscribe(
      ['peer', 'election', 'zab', 'txn', 'packet', 'storage', 'session'],
      (record) => this.#observe(record),
    );
  }

  #observe(record: ProbeRecord): void {
    const text = this.#muted ? null : recordText(record, this.#shown);
    if (text !== null) this.#output.push(text);
  }

  #show(what: Shown, shown: boolean): void {
    if (shown) this.#shown.add(what);
    else this.#shown.delete(what);
  }

  async #untilServing(words: readonly string[]): Promise<void> {
    await this.ensemble.untilServing(...words.map(Number));
    await this.ensemble.simulation.sleep(SETTLE_MS);
  }

  /** `client alice 2`: connects that client to server 2, with the session it has, if any. */
  async #connect(words: readonly string[]): Promise<void> {
    const [name = '', sid] = words;
    const client = this.#clients.get(name) ?? this.ensemble.client();
    this.#clients.set(name, client);
    const address = this.ensemble.clientAddress(numberOf(sid));
    await this.ensemble.simulation.settle(client.connect(address));
    await this.ensemble.simulation.sleep(SETTLE_MS);
  }

  #client(name: string | undefined): ScriptedClient {
    const client = this.#clients.get(name ?? '');
    if (client === undefined) throw new TranscriptError(`no client ${name}`);
    return client;
  }

  /** `write alice /a text`: creates the node, or sets its data if it is there. */
  async #write(words: readonly string[]): Promise<void> {
    await this.ensemble.simulation.settle(this.#writing(words));
    await this.ensemble.simulation.sleep(SETTLE_MS);
    this.#output.push('done');
  }

  /** As `write`, but nobody waits for the answer. */
  #send(words: readonly string[]): void {
    const [name, path = '/', text = ''] = words;
    const told = (outcome: string) => () => void this.#output.push(`${name}: ${path} ${outcome}`);
    this.#client(name)
      .create(path, new TextEncoder().encode(text))
      .then(told('was written'), told('is unknown: the connection was lost'));
  }

  async #writing(words: readonly string[]): Promise<void> {
    const [name, path = '/', text = ''] = words;
    const client = this.#client(name);
    const data = new TextEncoder().encode(text);
    if ((await client.exists(path)) === null) await client.create(path, data);
    else await client.setData(path, data);
  }

  async #read(words: readonly string[]): Promise<void> {
    const [name, path = '/'] = words;
    const { data, stat } = await this.ensemble.simulation.settle(this.#client(name).getData(path));
    const text = data === null ? 'no data' : `"${new TextDecoder().decode(data)}"`;
    this.#output.push(`${path} is ${text}, version ${stat.version}`);
  }

  /** `fill alice /many 600`: that many nodes, without a word. */
  async #fill(words: readonly string[]): Promise<void> {
    const [name, prefix = '/many', count] = words;
    const client = this.#client(name);
    const muted = this.#muted;
    this.#muted = true;
    const writes = Array.from({ length: numberOf(count) }, (_, index) =>
      client.create(`${prefix}${index}`, new Uint8Array(10)),
    );
    await this.ensemble.simulation.settle(Promise.all(writes));
    await this.ensemble.simulation.sleep(SETTLE_MS);
    this.#muted = muted;
    this.#output.push(`${writes.length} nodes written`);
  }

  async #trees(): Promise<void> {
    const muted = this.#muted;
    this.#muted = true;
    const tree = await this.ensemble.checkTreesEqual();
    this.#muted = muted;
    const paths = [...tree.keys()].filter((path) => path !== '/' && !path.startsWith('/zookeeper'));
    const shown = paths.length > 10 ? `${paths.length} nodes` : paths.join(' ');
    this.#output.push(`equal on ${this.ensemble.running.join(', ')}: ${shown}`);
  }

  #status(): void {
    for (const sid of this.ensemble.sids)
      this.#output.push(`${sid}: ${this.ensemble.describe(sid)}`);
  }
}

function shownOf(word: string): Shown {
  if (word === 'packets' || word === 'votes' || word === 'details') return word;
  throw new TranscriptError(`nothing called ${word} can be shown`);
}

function numberOf(word: string | undefined): number {
  const value = Number(word);
  if (word === undefined || !Number.isFinite(value))
    throw new TranscriptError(`no number: ${word}`);
  return value;
}

/** `1 2 | 3`: two groups. */
function groupsOf(words: readonly string[]): readonly (readonly number[])[] {
  return words
    .join(' ')
    .split('|')
    .map((group) => group.trim().split(/\s+/).map(Number));
}
