import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { versionText } from '../../../src/server/fourLetterWords.ts';
import { writeCreateRequest, writeReadRequest } from '../../../src/wire/clientRequests.ts';
import { CreateMode } from '../../../src/wire/createModes.ts';
import { OPEN_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { TestServer } from './testServer.ts';

const goldenUrl = new URL('../../../../shared/golden/fourlw/', import.meta.url);
const isThere = existsSync(fileURLToPath(goldenUrl));
if (!isThere) console.log('skipped: ../shared/golden is not there to compare with');
const golden = (role: string, word: string): string =>
  readFileSync(new URL(`${role}/${word}.txt`, goldenUrl), 'utf8');

function ask(testServer: TestServer, word: string): string {
  const link = testServer.dial();
  link.write(new TextEncoder().encode(word));
  link.untilClosed();
  return link.text;
}

/** A server as the recorded one was: one client that made an ephemeral node and watches two paths. */
function busyServer(): TestServer {
  const testServer = new TestServer();
  const client = testServer.connect(8_000);
  client.call(OpCode.create, (writer) => {
    const flags = CreateMode.EPHEMERAL;
    writeCreateRequest(writer, { path: '/e', data: null, acl: OPEN_ACL_UNSAFE, flags });
  });
  for (const path of ['/e', '/zookeeper']) {
    client.call(OpCode.getData, (writer) => {
      writeReadRequest(writer, { path, watch: true });
    });
  }
  return testServer;
}

/** What stays when every number, id, path and date is taken for the same. */
const shape = (text: string): string =>
  text
    .replace(/^(Zookeeper version|zookeeper.version|dataDir|dataLogDir)([:=]).*$/gm, '$1$2V')
    .replace(/[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d [A-Z]+ \d{4}/g, 'DATE')
    .replace(/\/[\d.]+:\d+/g, '/ADDRESS')
    .replace(/\/[a-z/]+$/gm, '/PATH')
    .replace(/lop=[A-Z]+/g, 'lop=OP')
    .replace(/0x[0-9a-f]+/g, '0xN')
    .replace(/\d+(\.\d+)?/g, 'N');

/** Without lines that come as often as there are clients or nodes. */
const uniqueLines = (text: string): string => [...new Set(shape(text).split('\n'))].join('\n');

describe.skipIf(!isThere)("the texts have the shape of ZooKeeper's", () => {
  test.for(['srvr', 'stat', 'conf', 'dirs', 'wchs', 'crst', 'srst', 'isro', 'ruok', 'cons'])(
    '%s',
    (word) => {
      expect(uniqueLines(ask(busyServer(), word))).toBe(uniqueLines(golden('standalone', word)));
    },
  );

  test.for(['wchc', 'wchp'])('%s', (word) => {
    expect(uniqueLines(ask(busyServer(), word))).toBe(uniqueLines(golden('leader', word)));
    expect(ask(new TestServer(), word)).toBe(golden('standalone', word));
  });

  test('dump', () => {
    expect(uniqueLines(ask(busyServer(), 'dump'))).toBe(uniqueLines(golden('leader', 'dump')));
  });

  test("mntr has ZooKeeper's names in ZooKeeper's order, and no other", () => {
    const names = (text: string): string[] =>
      text.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']));
    const ours = names(ask(busyServer(), 'mntr'));
    const theirs = names(golden('standalone', 'mntr'));
    expect(ours.length).toBeGreaterThan(50);
    expect(ours.filter((name) => !theirs.includes(name))).toEqual([]);
    const isSummary = (name: string): boolean => /^zk_(avg|min|max|cnt|sum)_/.test(name);
    const plain = ours.filter((name) => !isSummary(name));
    expect(plain).toEqual(theirs.filter((name) => plain.includes(name)));
  });

  test.for(['conf', 'cons', 'dump', 'isro', 'mntr', 'ruok', 'srvr', 'stat'])(
    '%s of a server that does not serve',
    (word) => {
      const testServer = new TestServer({ serving: false });
      expect(ask(testServer, word)).toBe(golden('not-serving', word));
    },
  );

  test.for(['ruok', 'stat'])('%s where only srvr is allowed', (word) => {
    const testServer = new TestServer({ whitelist: ['srvr'] });
    expect(ask(testServer, word)).toBe(golden('default-whitelist', word));
    expect(ask(testServer, 'srvr')).toContain('Mode: standalone');
  });

  test.for(['hash', 'icfg', 'lead', 'stmk', 'sync'])(
    '%s, which is no word here, closes the connection',
    (word) => {
      expect(ask(new TestServer(), word)).toBe('');
      expect(golden('standalone', word)).toBe('');
    },
  );
});

test('the version is one that tools for ZooKeeper can read', () => {
  expect(versionText('0.1.0', '2026-11-23 18:00 UTC')).toMatch(
    /^\d+\.\d+\.\d+-tabkeeper-0\.1\.0, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/,
  );
});

test('crst and srst set the counts back', () => {
  const testServer = busyServer();
  expect(ask(testServer, 'cons')).toContain('recved=4,sent=4,sid=');
  ask(testServer, 'crst');
  expect(ask(testServer, 'cons')).toContain('recved=0,sent=0,sid=');
  ask(testServer, 'srst');
  expect(ask(testServer, 'srvr')).toContain('Received: 1\nSent: 1\n');
});

test('envi tells the version and the facts of its world', () => {
  expect(ask(new TestServer(), 'envi')).toBe(
    'Environment:\nzookeeper.version=3.8.0-tabkeeper-0.0.0, built on 2026-11-23 18:00 UTC\nhost.name=server1\n',
  );
});
