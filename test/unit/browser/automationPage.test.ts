/** docs/automation.md says what `window.tabkeeper` and its page have: no less, and nothing that is not there. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { automationOf } from '../../../src/browser/automation.ts';
import { DEFAULT_TOPICS } from '../../../src/browser/tabServer.ts';
import { ZooKeeper } from '../../../src/client/zooKeeper.ts';
import { SERVER_TOPICS, Simulation } from '../../../src/sim/simWorld.ts';
import { epoch, sid, zxid } from '../../../src/wire/ids.ts';

const root = new URL('../../../', import.meta.url).pathname;
const page = readFileSync(join(root, 'docs/automation.md'), 'utf8');

/** From a heading to the next of its kind. */
function section(heading: string): string {
  const from = page.indexOf(heading);
  if (from < 0) throw new Error(`docs/automation.md has no "${heading}"`);
  const rest = page.slice(from + heading.length);
  const end = rest.search(/\n##+ /);
  return end < 0 ? rest : rest.slice(0, end);
}

const codes = (text: string): string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map((found) => found[1] ?? '');
const names = (text: string): string[] =>
  codes(text).map((code) => /^[\w-]*/.exec(code)?.[0] ?? '');

/** What stands in the first column of the section's table. */
const firstColumn = (text: string): string =>
  [...text.matchAll(/^\| ([^|]*`[^|]*)\|/gm)].map((found) => found[1]).join(' ');

/** Of the client, whatever else it has. */
const PROMISED = [
  'create',
  'delete',
  'exists',
  'getData',
  'setData',
  'getChildren',
  'sync',
  'multi',
  'addWatch',
  'close',
];

const unused = (): never => {
  throw new Error('only its shape is looked at');
};

function automation(): ReturnType<typeof automationOf> {
  const world = new Simulation(1).machine('page', sid(0), 'client').boot();
  const self = {
    sid: sid(1),
    kind: 'participant',
    isSelf: true,
    disk: 'here',
    presence: 'here',
    state: 'LEADING',
    serving: true,
    zxid: zxid(1n),
    link: null,
  } as const;
  return automationOf({
    status: () => ({
      sid: sid(1),
      state: 'LEADING',
      leader: sid(1),
      epoch: epoch(1),
      zxid: zxid(1n),
      servers: [sid(1)],
      serving: true,
      stopped: null,
    }),
    members: () => [self],
    client: new ZooKeeper(world, { addresses: ['tab-1'], sessionTimeoutMs: 10_000 }),
    events: [],
    watch: unused,
    stop: unused,
    start: unused,
  });
}

describe('the page on automation', () => {
  test('has a heading for everything that window.tabkeeper has', () => {
    const headings = [...page.matchAll(/^### (.*)$/gm)].flatMap((found) => names(found[1] ?? ''));
    expect(headings.sort()).toEqual(Object.keys(automation()).sort());
  });

  test('lists the fields of status() and members()', () => {
    const { status, members } = automation();
    expect(names(firstColumn(section('### `status()`')))).toEqual(Object.keys(status()));
    const fields = /`\{ ([\w, ]+) \}`/.exec(section('### `members()`'))?.[1]?.split(', ');
    expect(fields).toEqual(Object.keys(members()[0] ?? {}));
  });

  test('names what a client has, and nothing else', () => {
    const has = Object.getOwnPropertyNames(ZooKeeper.prototype);
    const told = names(firstColumn(section('### `client`'))).filter((name) => name !== '');
    expect(told.filter((name) => !has.includes(name))).toEqual([]);
    expect(told).toEqual(expect.arrayContaining(PROMISED));
  });

  test('says which topics are told without asking, and which when asked for', () => {
    const usual = section('### `events`').split('without asking:')[1] ?? '';
    expect(codes(usual.split('.')[0] ?? '')).toEqual(DEFAULT_TOPICS);
    const more = SERVER_TOPICS.filter((topic) => !DEFAULT_TOPICS.includes(topic));
    expect(codes(section('### `watch(topics)`')).sort()).toEqual([...more].sort());
  });

  test('names no test id that the pages do not have', () => {
    const sources = readdirSync(join(root, 'src/ui'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.svelte'))
      .map((file) => readFileSync(join(root, 'src/ui', file), 'utf8'))
      .join('');
    // The fields of a stat have ids that are made of what they are called with.
    const ids = names(firstColumn(section('## In the page'))).filter((id) => !/^stat\b/.test(id));
    // A component may be told the id that it gives to its element.
    const isThere = (id: string): boolean => sources.includes(`testid="${id}"`);
    expect(ids.length).toBeGreaterThan(30);
    expect(ids.filter((id) => !isThere(id))).toEqual([]);
  });
});
