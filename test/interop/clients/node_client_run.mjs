/**
 * What npm's node-zookeeper-client sees of an ensemble: one line for each thing that came about.
 *
 *     node node_client_run.mjs HOST:PORT,HOST:PORT,HOST:PORT
 *
 * Lines hold no time, zxid, session id or port, so that two ensembles can be compared by their text. A line "ASK stop" or
 * "ASK start" asks whoever runs this to stop or start the first server, and is answered by a line on stdin when that is done.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import zookeeper from 'node-zookeeper-client';

const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 20;
const SESSION_TIMEOUT_MS = 60_000;
const SHORT_SESSION_TIMEOUT_MS = 2_000;

const { ACL, CreateMode, Id, Permission } = zookeeper;
const [, , hosts, mode] = process.argv;
const say = (...words) => console.log(...words);

async function until(what, look) {
  const end = performance.now() + PATIENCE_MS;
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}

async function connected(addresses = hosts, sessionTimeout = SESSION_TIMEOUT_MS) {
  const client = zookeeper.createClient(addresses, { sessionTimeout, spinDelay: 100 });
  client.connect();
  await once(client, 'connected');
  return client;
}

async function ended(client) {
  client.close();
  await once(client, 'disconnected');
}

const call = (client, method, ...args) =>
  new Promise((resolve, reject) => {
    client[method](...args, (error, ...results) => (error ? reject(error) : resolve(results)));
  });

/** One line for what came of it: values, or the kind of error and its path. */
async function tried(client, method, ...args) {
  const shown = args.map((arg) => (Buffer.isBuffer(arg) ? `"${arg}"` : String(arg))).join(' ');
  try {
    const results = await call(client, method, ...args);
    say(method, shown, '->', results.map(show).join(' '));
  } catch (error) {
    say(method, shown, '-> fails', error.name, error.path ?? '');
  }
}

function show(value) {
  if (value === undefined || value === null) return 'nothing';
  if (Buffer.isBuffer(value))
    return value.length > 100 ? `${value.length} bytes` : `"${value.toString()}"`;
  if (Array.isArray(value)) return `[${value.map(show).sort().join(', ')}]`;
  if (typeof value === 'string') return value;
  if ('czxid' in value) {
    const changed = !value.czxid.equals(value.mzxid);
    const owned = value.ephemeralOwner.some((byte) => byte !== 0);
    return `stat(${value.version} ${value.cversion} ${value.aversion} ${value.dataLength} ${value.numChildren} owned=${owned} changed=${changed})`;
  }
  if ('permission' in value) return `${value.id.scheme}:${value.id.id}:${value.permission}`;
  return JSON.stringify(value, (key, inner) => (/xid|time/i.test(key) ? undefined : inner));
}

async function nodes(a, b) {
  await tried(a, 'create', '/n', Buffer.from('data'));
  await tried(a, 'create', '/n', Buffer.from('again'));
  await tried(a, 'create', '/none/x');
  await tried(a, 'create', '/n/empty');
  await tried(a, 'create', '/n/s-', CreateMode.PERSISTENT_SEQUENTIAL);
  await tried(a, 'create', '/n/e', CreateMode.EPHEMERAL);
  await tried(a, 'create', '/n/es-', CreateMode.EPHEMERAL_SEQUENTIAL);
  await tried(a, 'create', '/n/e/below');
  await tried(a, 'create', '/n/grüße-日本', Buffer.from('Grüße'));
  await tried(a, 'create', '/n/large', Buffer.alloc(900_000, 'l'));
  await tried(a, 'mkdirp', '/n/p/q/r', Buffer.from('deep'));
  await tried(a, 'mkdirp', '/n/p/q/r');
  await tried(a, 'getData', '/n');
  await tried(a, 'getData', '/n/empty');
  await tried(a, 'getData', '/n/large');
  await tried(a, 'getData', '/none');
  await tried(a, 'exists', '/n/e');
  await tried(a, 'exists', '/none');
  await tried(a, 'getChildren', '/n');
  await tried(a, 'getChildren', '/none');
  await tried(a, 'listSubTreeBFS', '/n');
  await tried(a, 'setData', '/n', Buffer.from('newer'));
  await tried(a, 'setData', '/n', Buffer.from('newest'), 1);
  await tried(a, 'setData', '/n', Buffer.from('old'), 1);
  await tried(a, 'setData', '/none', Buffer.from('x'));
  await tried(a, 'setData', '/n', null);
  await tried(a, 'remove', '/n');
  await tried(a, 'remove', '/n/empty', 7);
  await tried(a, 'remove', '/n/empty', 0);
  await tried(a, 'remove', '/n/empty');
  // It looks one level down only: a failure of its own.
  await tried(a, 'removeRecursive', '/n/p');
  await tried(a, 'remove', '/n/p/q/r');
  await tried(a, 'removeRecursive', '/n/p');
  await until('the other sees it', async () => (await call(b, 'exists', '/n/p'))[0] === null);
  await tried(b, 'getData', '/n');
}

async function transactions(a) {
  const outcome = async (what, transaction) => {
    const line = await new Promise((resolve) => {
      transaction.commit((error, results) => {
        const kinds = results.map(({ type, err, path }) => [type, err, path ?? ''].join(' '));
        resolve(`${error ? `fails ${error.name}` : 'done'} [${kinds.join(', ')}]`);
      });
    });
    say(what, '->', line);
  };
  await outcome(
    'all four',
    a
      .transaction()
      .create('/t', Buffer.from('t'))
      .create('/t/s-', Buffer.from('s'), CreateMode.PERSISTENT_SEQUENTIAL)
      .check('/t', 0)
      .setData('/t', Buffer.from('u'), 0)
      .create('/t/gone')
      .remove('/t/gone'),
  );
  await outcome(
    'a wrong check',
    a.transaction().setData('/t', Buffer.from('never')).check('/t', 9).create('/t/never'),
  );
  await outcome('a node too many', a.transaction().create('/t/x').create('/t/x'));
  await tried(a, 'getData', '/t');
  await tried(a, 'getChildren', '/t');
}

async function access(a, b) {
  await tried(a, 'getACL', '/n');
  a.addAuthInfo('digest', Buffer.from('alice:secret'));
  await tried(a, 'create', '/acl', Buffer.from('mine'), ACL.CREATOR_ALL_ACL);
  await tried(a, 'getACL', '/acl');
  await tried(a, 'getData', '/acl');
  await until('the other sees it', async () => (await call(b, 'exists', '/acl'))[0] !== null);
  await tried(b, 'getData', '/acl');
  await tried(b, 'setData', '/acl', Buffer.from('yours'));
  await tried(b, 'create', '/acl/x');
  await tried(b, 'create', '/nobody', Buffer.from(''), ACL.CREATOR_ALL_ACL);
  await tried(a, 'setACL', '/acl', [new ACL(Permission.READ, new Id('world', 'anyone'))], 7);
  await tried(a, 'setACL', '/acl', [new ACL(Permission.READ, new Id('none', 'x'))]);
  await tried(a, 'setACL', '/acl', [new ACL(Permission.READ, new Id('world', 'anyone'))]);
  await tried(a, 'setData', '/acl', Buffer.from('x'));
  await tried(a, 'getACL', '/acl');
  await tried(a, 'getACL', '/none');
}

async function watches(a, b) {
  const seen = [];
  const see = (event) => seen.push(`${event.getName()} ${event.getPath()}`);
  await call(a, 'mkdirp', '/w/kept');
  await call(a, 'exists', '/w/new', see);
  await call(a, 'getData', '/w/kept', see);
  await call(a, 'getChildren', '/w', see);
  await until('the other sees it', async () => (await call(b, 'exists', '/w/kept'))[0] !== null);
  await call(b, 'create', '/w/new');
  await call(b, 'setData', '/w/kept', Buffer.from('changed'));
  await until('three events', () => seen.length >= 3);
  say(seen.sort());
  await call(a, 'getChildren', '/w/kept', see);
  await call(b, 'remove', '/w/kept');
  await until('another', () => seen.length >= 4);
  say(seen.slice(3));
}

async function reconnect(a) {
  const [first] = hosts.split(',');
  const c = await connected(first);
  const states = [];
  const seen = [];
  c.on('state', (state) => states.push(state.getName()));
  const session = c.getSessionId().toString('hex');
  await call(c, 'create', '/kept', CreateMode.EPHEMERAL);
  await call(c, 'exists', '/awaited', (event) => seen.push(event.getName()));
  await ask('stop');
  await until('it has noticed', () => states.includes('DISCONNECTED'));
  await again(a, '/awaited');
  await ask('start');
  await until('connected again', () => states.at(-1) === 'SYNC_CONNECTED');
  say('states', states, 'same session', c.getSessionId().toString('hex') === session);
  await until('the watch moved along', () => seen.length > 0);
  say('watch', seen);
  await tried(c, 'exists', '/kept');
  await ended(c);
  await until('the ephemeral is gone', async () => (await exists(a, '/kept')) === false);
  say('ephemeral gone with its session');
}

/** Null while the connection is lost. */
async function exists(client, path) {
  try {
    return (await call(client, 'exists', path))[0] !== null;
  } catch (error) {
    if (error.name !== 'CONNECTION_LOSS') throw error;
    return null;
  }
}

/** Its server, or its leader, may have gone a moment ago: creates it however often that takes. */
async function again(client, path) {
  await until(`${path} is created`, async () => {
    try {
      await call(client, 'create', path);
      return true;
    } catch (error) {
      if (error.name === 'NODE_EXISTS') return true;
      if (error.name !== 'CONNECTION_LOSS') throw error;
      return false;
    }
  });
}

async function expiry(a) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), hosts, 'hold'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  say('the other', (await lines.next()).value, await exists(a, '/held'));
  child.kill('SIGSTOP');
  await until('its session expires', async () => (await exists(a, '/held')) === false);
  say('gone after its session expired');
  child.kill('SIGCONT');
  say('the other', (await lines.next()).value);
  child.kill('SIGKILL');
}

async function hold() {
  const client = await connected(hosts, SHORT_SESSION_TIMEOUT_MS);
  client.on('expired', () => say('hears that it has expired'));
  await call(client, 'create', '/held', CreateMode.EPHEMERAL);
  say('holds it');
  process.stdin.resume();
}

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(what) {
  say('ASK', what);
  await answers.next();
}

async function main() {
  const rest = hosts.split(',').slice(1).join(',');
  for (const section of [nodes, transactions, access, watches, reconnect, expiry]) {
    // They stay away from the server that is stopped.
    const [a, b] = [await connected(rest), await connected(rest)];
    say('==', section.name);
    await section(a, b);
    await ended(a);
    await ended(b);
  }
  say('done');
  process.exit(0);
}

await (mode === 'hold' ? hold() : main());
