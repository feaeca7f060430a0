import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ServerOptions } from '../../../src/server/serverOptions.ts';
import { readConnectRequest, writeConnectRequest } from '../../../src/wire/connectRecords.ts';
import { sessionId, zxid } from '../../../src/wire/ids.ts';
import { JuteReader } from '../../../src/wire/jute.ts';
import { generatePassword } from '../../../src/server/sessionPassword.ts';
import {
  bytesOf,
  Correspondence,
  decodeFrame,
  difference,
  goldenEntries,
  goldenIsThere,
  hazardEntries,
  RECORDED_RUN,
  RECORDED_SUPER_DIGEST,
  tappedEntries,
  type GoldenEntry,
} from './goldenFrames.ts';
import { frame, TestServer, type TestConnection } from './testServer.ts';

interface Difference {
  readonly id: string;
  readonly kind: 'ours' | 'harness';
  readonly reason: string;
  readonly golden: readonly { file: string; session: string; labels: readonly string[] }[];
}

const { differences } = JSON.parse(
  readFileSync(new URL('../../fidelity.json', import.meta.url), 'utf8'),
) as { differences: readonly Difference[] };

if (!goldenIsThere) console.log('skipped: ../shared/golden is not there to compare with');

const RECORDED: Partial<ServerOptions> = {
  extendedTypesEnabled: true,
  superDigest: RECORDED_SUPER_DIGEST,
};

/** How long an answer may take: sessions expire meanwhile, as in the recording. */
const ANSWER_LIMIT_MS = 12_000;

/** Sends what the recorded client sent and compares what comes back. */
class Replay {
  readonly #testServer: TestServer;
  readonly #links = new Map<string, TestConnection>();
  readonly #correspondence = new Correspondence();
  /** Differences found where the list knows one. */
  readonly exempted = new Map<string, string>();

  constructor(options: Partial<ServerOptions>) {
    this.#testServer = new TestServer({ server: options });
  }

  /** Differences that the list does not know, each as a line. */
  run(file: string, entries: readonly GoldenEntry[]): string[] {
    const found: string[] = [];
    this.#links.clear();
    for (const entry of entries) {
      if (entry.dir === '>') this.#send(entry);
      else if (entry.dir === '<') {
        const problem = this.#compare(entry);
        if (problem === null) continue;
        const known = differenceFor(file, entry);
        if (known === null) found.push(`${file} ${entry.session} "${entry.label}": ${problem}`);
        else this.exempted.set(`${known}/${file}/${entry.session}/${entry.label}`, problem);
      }
    }
    return found;
  }

  #link(session: string): TestConnection {
    const known = this.#links.get(session);
    if (known !== undefined) return known;
    const link = this.#testServer.dial();
    this.#links.set(session, link);
    return link;
  }

  #send({ session, hex, decoded }: GoldenEntry): void {
    if (hex === undefined) return;
    const bytes = bytesOf(hex);
    const link = this.#link(session);
    if (decoded?.kind === 'connectRequest') link.write(this.#translate(bytes));
    else if (decoded?.op?.startsWith('setWatches') === true) link.write(this.#withOurZxid(bytes));
    else link.write(bytes);
    this.#testServer.sleep(5);
  }

  /** A ConnectRequest names a session and zxid of the recorded server. */
  #translate(bytes: Uint8Array): Uint8Array {
    const request = readConnectRequest(new JuteReader(bytes.subarray(4)));
    const ours = this.#correspondence.ours('session', request.sessionId);
    const seen = this.#correspondence.ours('zxid', request.lastZxidSeen);
    const isAhead = request.lastZxidSeen > this.#correspondence.lastZxid;
    const rightPassword = Buffer.from(request.passwd ?? []).equals(
      Buffer.from(generatePassword(request.sessionId)),
    );
    return frame((writer) => {
      writeConnectRequest(writer, {
        ...request,
        sessionId: typeof ours === 'bigint' ? sessionId(ours) : request.sessionId,
        lastZxidSeen:
          typeof seen === 'bigint' ? zxid(seen) : isAhead ? request.lastZxidSeen : zxid(0n),
        passwd:
          typeof ours === 'bigint' && rightPassword
            ? generatePassword(sessionId(ours))
            : request.passwd,
      });
    });
  }

  /** The `relativeZxid` of a setWatches: after the length and the header. */
  #withOurZxid(bytes: Uint8Array): Uint8Array {
    const view = new DataView(bytes.buffer);
    view.setBigInt64(12, this.#correspondence.oursUpTo(view.getBigInt64(12)));
    return bytes;
  }

  #compare({ session, hex, decoded, closedByServer }: GoldenEntry): string | null {
    const link = this.#link(session);
    const { time } = this.#testServer.simulation;
    if (hex === undefined || hex === '') {
      if (closedByServer !== true) return null;
      const closed = time.runUntil(() => link.isClosed, ANSWER_LIMIT_MS);
      if (!closed) return 'closed there, open here';
      return link.frames.length === 0 ? null : `${link.frames.length} frames more before the end`;
    }
    time.runUntil(() => link.frames.length > 0 || link.isClosed, ANSWER_LIMIT_MS);
    const ours = link.frames.shift();
    if (ours === undefined) return link.isClosed ? 'closed here' : 'no answer here';
    const theirs = bytesOf(hex).subarray(4);
    const kind = decoded?.kind ?? 'reply';
    const op = decoded?.op ?? '';
    try {
      const read = (bytes: Uint8Array): unknown => decodeFrame(bytes, kind, op);
      return difference(read(theirs), read(ours), this.#correspondence);
    } catch (error) {
      return `${Buffer.from(ours).toString('hex')} is no ${kind} ${op}: ${String(error)}`;
    }
  }
}

function differenceFor(file: string, { session, label }: GoldenEntry): string | null {
  const found = differences.find(({ golden }) =>
    golden.some(
      (one) => one.file === file && one.session === session && one.labels.includes(label),
    ),
  );
  return found?.id ?? null;
}

describe.skipIf(!goldenIsThere)('what ZooKeeper 3.8.0 answered is answered here', () => {
  const exempted = new Map<string, string>();

  test(
    'a standalone server answers the recorded run as the ensemble did',
    { timeout: 60_000 },
    () => {
      const replay = new Replay(RECORDED);
      const found = RECORDED_RUN.flatMap((file) => replay.run(file, goldenEntries(file)));
      for (const [key, problem] of replay.exempted) exempted.set(key, problem);
      expect(found).toEqual([]);
    },
  );

  test('features that are off by default are off', () => {
    const replay = new Replay({});
    expect(replay.run('default-config', goldenEntries('default-config'))).toEqual([]);
  });

  test('kazoo and then the Java client get what they got', () => {
    const replay = new Replay({});
    expect(replay.run('kazoo', tappedEntries('kazoo'))).toEqual([]);
    expect(replay.run('java-cli', tappedEntries('java-cli'))).toEqual([]);
  });

  test.for([
    'check-alone',
    'check-alone-badversion',
    'create-flag-4',
    'create2-flag-4',
    'create-flag-5',
    'container-flag-1',
    'container-flag-0',
  ])('hazard %s', (name) => {
    const entries = hazardEntries(name);
    expect(entries.length).toBeGreaterThan(0);
    const replay = new Replay({ extendedTypesEnabled: true });
    const found = replay.run(`hazards/${name}`, entries);
    for (const [key, problem] of replay.exempted) exempted.set(key, problem);
    expect(found).toEqual([]);
  });

  test('every difference in the list still is one', () => {
    for (const { id, golden } of differences) {
      for (const { file, session, labels } of golden) {
        for (const label of labels) {
          expect(exempted.has(`${id}/${file}/${session}/${label}`), `${id}: ${file} ${label}`).toBe(
            true,
          );
        }
      }
    }
  });
});
