/** The words and the line-by-line differences of the history view. */

import { describe, expect, test } from 'vitest';
import type { HistoryReport } from '../../../src/inspector/treeHistory.ts';
import type { EventBatch, Member } from '../../../src/room/admin.ts';
import { dataDiff, isSameBehind } from '../../../src/ui/history/dataDiff.ts';
import { commitText, floorText, readZxid } from '../../../src/ui/history/historyText.ts';
import { holderText, serverText, SessionHolders } from '../../../src/ui/history/sessionHolders.ts';
import { sessionId, sid } from '../../../src/wire/ids.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const lines = (before: string | null, after: string | null): string[] =>
  dataDiff(before === null ? null : bytes(before), after === null ? null : bytes(after)).lines.map(
    ({ mark, text }) => `${{ same: ' ', added: '+', removed: '-' }[mark]}${text}`,
  );

describe('data line by line', () => {
  test('only the lines that differ come and go', () => {
    expect(lines('a\nb\nc', 'a\nB\nc')).toEqual([' a', '-b', '+B', ' c']);
    expect(lines('a\nc', 'a\nb\nc')).toEqual([' a', '+b', ' c']);
    expect(lines(null, 'new')).toEqual(['+new']);
    expect(lines('gone', null)).toEqual(['-gone']);
    expect(lines('same', 'same')).toEqual([]);
  });

  test('JSON is compared as it means, not as it is written', () => {
    expect(dataDiff(bytes('{"a":1,"b":2}'), bytes('{ "a": 1,\n "b": 3 }'))).toMatchObject({
      as: 'json',
    });
    expect(lines('{"a":1,"b":2}', '{ "a": 1,\n "b": 3 }')).toEqual([
      ' {',
      '   "a": 1',
      '-  "b": 2',
      '+  "b": 3',
      ' }',
    ]);
    expect(dataDiff(bytes('{"a":1}'), bytes('{broken')).as).toBe('text');
  });

  test('says when there is more than it compares, and whether that differs', () => {
    const long = new Uint8Array(64 * 1024 + 1).fill(97);
    const other = long.slice();
    other[64 * 1024] = 98;
    expect(dataDiff(long, other)).toMatchObject({ lines: [], comparedBytes: 64 * 1024 });
    expect(dataDiff(bytes('a'), bytes('b')).comparedBytes).toBeNull();
    const sides = { before: { data: long }, after: { data: other } };
    expect(isSameBehind(sides, 64 * 1024)).toBe(false);
    expect(isSameBehind({ before: null, after: sides.before }, 64 * 1024 + 1)).toBe(true);
  });

  test('bytes that are no text are compared as hex', () => {
    const diff = dataDiff(new Uint8Array([0xff, 1]), bytes('a'));
    expect(diff.as).toBe('hex');
    expect(diff.lines.map(({ text }) => text)).toEqual(['ff 01', '61']);
  });

  test('what is the same far from any change is left out and counted', () => {
    const many = Array.from({ length: 50 }, (_, index) => `line ${index}`);
    const diff = dataDiff(bytes(many.join('\n')), bytes([...many, 'end'].join('\n')));
    expect(diff.lines.at(-1)).toEqual({ mark: 'added', text: 'end' });
    expect(diff.hiddenCount).toBe(47);
  });

  test('too many lines to be compared are shown as replaced', () => {
    const all = (word: string): Uint8Array =>
      bytes(Array.from({ length: 500 }, (_, index) => `${word}${index}`).join('\n'));
    const { lines: shown } = dataDiff(all('a'), all('b'));
    expect(shown.filter(({ mark }) => mark === 'removed')).toHaveLength(500);
    expect(shown.filter(({ mark }) => mark === 'added')).toHaveLength(500);
  });
});

describe('what is said of a history', () => {
  const report: HistoryReport = {
    floor: { kind: 'beginning' },
    txnCount: 5,
    firstZxid: '0x100000001',
    lastZxid: '0x100000005',
    epochs: [{ epoch: 1, count: 5 }],
    olderCount: 0,
    findings: [],
  };

  test('what lies before it is not hidden', () => {
    expect(floorText(report)).toContain('the very first transaction');
    const floor = { kind: 'snapshot', file: 'snapshot.9', zxid: '0x9' } as const;
    expect(floorText({ ...report, floor })).toContain('The transactions before are not kept here');
    expect(floorText({ ...report, floor, olderCount: 3 })).toContain('3 older transactions');
    expect(floorText({ ...report, floor: { kind: 'lost' } })).toContain('every tree here lacks it');
  });

  test('what is not committed yet is called so, and without a leader nobody knows', () => {
    expect(commitText(5, 5, '0x5')).toBe('Everything up to 0x5 is committed.');
    expect(commitText(5, 4, '0x5')).toContain('The last 1 transaction in the log is proposed');
    expect(commitText(5, null, '0x5')).toContain('follows no leader now');
    expect(commitText(0, 0, null)).toBeNull();
  });

  test('a zxid is read as people write it', () => {
    expect(readZxid(' 0x100000003 ')).toBe('0x100000003');
    expect(readZxid('1_0000_0003')).toBe('0x100000003');
    expect(readZxid('0x')).toBeNull();
    expect(readZxid('color')).toBeNull();
    expect(readZxid('12345678901234567')).toBeNull();
  });
});

describe('who holds a session', () => {
  const SESSION = sessionId(0x0200_0000_0000_0007n);
  const told = (from: number, ...events: object[]): EventBatch => ({
    sid: sid(from),
    records: events.map((event, index) => ({
      sid: sid(from),
      timeMs: 0,
      wallTimeMs: 0,
      sequence: index,
      event: { topic: 'session', sessionId: SESSION, connection: 1, ...event } as never,
    })),
    missedCount: 0,
  });
  const member = (of: number, more: Partial<Member>): Member => ({
    sid: sid(of),
    kind: 'participant',
    isSelf: false,
    disk: 'here',
    presence: 'here',
    state: 'FOLLOWING',
    serving: true,
    zxid: null,
    link: null,
    ...more,
  });

  test('is whoever told of it last, and a server that lost it says nothing against the next', () => {
    const holders = new SessionHolders();
    expect(holders.of(SESSION)).toBeNull();
    expect(holders.read(told(2, { type: 'opened', timeoutMs: 1 }))).toBe(true);
    holders.read(told(3, { type: 'reattached', valid: true }));
    holders.read(told(2, { type: 'disconnected', reason: 'moved' }));
    expect(holders.of(SESSION)).toEqual({ kind: 'held', sid: 3n });
    holders.read(told(3, { type: 'disconnected', reason: 'closed' }));
    expect(holders.of(SESSION)).toEqual({ kind: 'away', sid: 3n });
    holders.read(told(1, { type: 'expired', timeoutMs: 1 }));
    expect(holders.of(SESSION)).toEqual({ kind: 'ended' });
  });

  test('is said with the tab that runs the server', () => {
    const members = [member(1, { isSelf: true }), member(2, {}), member(3, { presence: 'closed' })];
    expect(serverText(1n, members)).toBe('server 1, this tab’s');
    expect(serverText(2n, members)).toBe('server 2, in another tab');
    expect(serverText(3n, members)).toBe('server 3, not here now');
    expect(serverText(9n, members)).toBe('server 9');
    expect(holderText({ kind: 'held', sid: 1n }, members)).toBe('held by server 1, this tab’s');
    expect(holderText(null, members)).toContain('no server here has told');
  });
});
