import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { World } from '../../../src/ports/world.ts';
import { FinalRequestProcessor } from '../../../src/server/finalRequestProcessor.ts';
import { PrepRequestProcessor } from '../../../src/server/prepRequestProcessor.ts';
import { Request, type SessionOwner } from '../../../src/server/request.ts';
import { defaultServerOptions } from '../../../src/server/serverOptions.ts';
import type { SessionTracker } from '../../../src/server/sessionTracker.ts';
import { SessionTrackerImpl } from '../../../src/server/sessionTrackerImpl.ts';
import { ZooKeeperServer } from '../../../src/server/zooKeeperServer.ts';
import { Simulation } from '../../../src/sim/simWorld.ts';
import { ZKDatabase } from '../../../src/storage/zkDatabase.ts';
import { DEFAULT_DATABASE_OPTIONS } from '../../../src/storage/zkDatabaseOptions.ts';
import { digestIds } from '../../../src/tree/authenticationProviders.ts';
import { readAuthPacket } from '../../../src/wire/clientRequests.ts';
import { readConnectRequest, readConnectResponse } from '../../../src/wire/connectRecords.ts';
import type { Id } from '../../../src/wire/dataRecords.ts';
import { sid, zxid, type SessionId } from '../../../src/wire/ids.ts';
import { JuteReader, toBytes } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { decodeTxn, encodeTxn, type TxnLogEntry } from '../../../src/wire/txns.ts';
import { bytesOf, goldenEntries, RECORDED_RUN, RECORDED_SUPER_DIGEST } from './goldenFrames.ts';

const captureUrl = new URL(
  '../../../../shared/golden/quorum/client-blocks-follower.json',
  import.meta.url,
);
const isThere = existsSync(fileURLToPath(captureUrl));
if (!isThere) console.log('skipped: ../shared/golden is not there to compare with');

interface Capture {
  readonly connections: readonly {
    readonly packets: readonly { readonly type: number; readonly hex: string }[];
  }[];
}

/** What the leader proposed to its first follower, in order. */
function recordedProposals(): Uint8Array[] {
  const capture = JSON.parse(readFileSync(captureUrl, 'utf8')) as Capture;
  const packets = capture.connections[0]?.packets ?? [];
  return packets
    .filter(({ type }) => type === 2)
    .map(({ hex }) => {
      const reader = new JuteReader(bytesOf(hex));
      reader.int();
      reader.long();
      return reader.buffer() ?? new Uint8Array(0);
    });
}

type ClientAct =
  | { readonly kind: 'attach'; readonly sessionId: SessionId; readonly owner: SessionOwner }
  | {
      readonly kind: 'request';
      readonly sessionId: SessionId;
      readonly owner: SessionOwner;
      readonly xid: number;
      readonly type: number;
      readonly payload: Uint8Array;
      readonly authInfo: readonly Id[];
    };

/** What the recorded clients did, in order, with the ids their servers had given them. */
function recordedActs(): ClientAct[] {
  return RECORDED_RUN.flatMap((file) => {
    const sessions = new Map<string, SessionId>();
    const isReattach = new Set<string>();
    const owners = new Map<string, SessionOwner>();
    const authInfos = new Map<string, readonly Id[]>();
    return goldenEntries(file).flatMap(({ session, dir, hex, decoded }): ClientAct[] => {
      if (hex === undefined || hex === '' || decoded === undefined) return [];
      const bytes = bytesOf(hex).subarray(4);
      const reader = new JuteReader(bytes);
      if (decoded.kind === 'connectRequest') {
        if (readConnectRequest(reader).sessionId !== 0n) isReattach.add(session);
        return [];
      }
      if (decoded.kind === 'connectResponse') {
        const { sessionId } = readConnectResponse(reader);
        if (sessionId === 0n) return [];
        sessions.set(session, sessionId);
        const owner = { connection: `${file} ${session}` };
        owners.set(session, owner);
        authInfos.set(session, [{ scheme: 'ip', id: '127.0.0.1' }]);
        return isReattach.has(session) ? [{ kind: 'attach', sessionId, owner }] : [];
      }
      if (dir !== '>' || decoded.kind !== 'request') return [];
      const [xid, type] = [reader.int(), reader.int()];
      const authInfo = authInfos.get(session) ?? [];
      if (type === OpCode.auth) {
        const { scheme, auth } = readAuthPacket(reader);
        if (scheme === 'digest' && auth !== null) {
          authInfos.set(session, [...authInfo, ...digestIds(auth, RECORDED_SUPER_DIGEST)]);
        }
        return [];
      }
      const [sessionId, owner] = [sessions.get(session), owners.get(session)];
      if (sessionId === undefined || owner === undefined) return [];
      const payload = bytes.subarray(reader.offset);
      return [{ kind: 'request', sessionId, owner, xid, type, payload, authInfo }];
    });
  });
}

/** Prepares and applies; nothing is logged, and time is what the recording says. */
class PreparingServer extends ZooKeeperServer {
  readonly mode = 'leader';
  readonly prepared: Request[] = [];

  constructor(world: World, db: ZKDatabase) {
    const options = {
      ...defaultServerOptions(3n, 500),
      extendedTypesEnabled: true,
      superDigest: RECORDED_SUPER_DIGEST,
    };
    super(world, db, options, { diskFailed: () => undefined }, null);
  }

  protected override setupRequestProcessors(): void {
    const final = new FinalRequestProcessor(this);
    this.firstProcessor = new PrepRequestProcessor(this, {
      processRequest: (request) => {
        this.prepared.push(request);
        final.processRequest(request);
      },
      shutdown: () => undefined,
    });
  }

  protected override createSessionTracker(): SessionTracker {
    return new SessionTrackerImpl(this.world, this, this.db.sessionsWithTimeouts, 500, 3n);
  }
}

function preparingServer(wallTime: () => number): PreparingServer {
  const simulation = new Simulation(1);
  const sim = simulation.machine('server3', sid(3)).boot();
  const clock = {
    now: () => 0,
    wallTime,
    after: () => ({ cancel: () => undefined }),
    soon: () => ({ cancel: () => undefined }),
  };
  const world: World = {
    clock,
    network: sim.network,
    disk: sim.disk,
    random: sim.random,
    probe: sim.probe,
  };
  const db = new ZKDatabase(
    { clock: sim.clock, disk: sim.disk, probe: sim.probe },
    { ...DEFAULT_DATABASE_OPTIONS, extendedTypesEnabled: true },
    () => undefined,
  );
  let loaded = false;
  db.load(() => {
    loaded = true;
  });
  simulation.time.runUntil(() => loaded, 1000);
  const server = new PreparingServer(world, db);
  server.startup();
  return server;
}

/** The request that the proposal came from; the acts before it have been done. */
function requestFor(
  { header, txn }: TxnLogEntry,
  acts: ClientAct[],
  server: PreparingServer,
): Request {
  const base = { sessionId: header.clientId, cxid: header.cxid, createTimeMs: 0 };
  if (txn.type === OpCode.createSession && header.cxid === 0) {
    const payload = toBytes((writer) => {
      writer.int(txn.timeOut);
    });
    return new Request({ ...base, type: OpCode.createSession, payload });
  }
  const at = acts.findIndex(
    (act) => act.kind === 'request' && act.sessionId === header.clientId && act.xid === header.cxid,
  );
  if (at === -1 && txn.type === OpCode.closeSession) {
    return new Request({ ...base, type: OpCode.closeSession });
  }
  const done = acts.splice(0, at + 1);
  for (const act of done) if (act.kind === 'attach') server.setOwner(act.sessionId, act.owner);
  const act = done.at(-1);
  if (act?.kind !== 'request') throw new Error(`who asked for ${header.clientId}/${header.cxid}?`);
  const { type, payload, authInfo, owner } = act;
  return new Request({ ...base, type, payload, authInfo, owner });
}

/** As hex; the paths that a closing session deletes come in the order of a Java hash set, so they are sorted. */
function comparable(bytes: Uint8Array): string {
  const entry = decodeTxn(bytes);
  const { txn } = entry;
  if (txn.type !== OpCode.closeSession || txn.paths2Delete === null) {
    return Buffer.from(bytes).toString('hex');
  }
  const sorted = { ...txn, paths2Delete: txn.paths2Delete.toSorted() };
  return Buffer.from(encodeTxn({ ...entry, txn: sorted })).toString('hex');
}

test.skipIf(!isThere)(
  'from the requests of the recorded run come the very bytes that its leader proposed, digests included',
  () => {
    let wallTimeMs = 0;
    const server = preparingServer(() => wallTimeMs);
    const acts = recordedActs();
    const proposals = recordedProposals();
    expect(proposals.length).toBeGreaterThan(200);
    for (const bytes of proposals) {
      const entry = decodeTxn(bytes);
      wallTimeMs = entry.header.time;
      server.hzxid = zxid(entry.header.zxid - 1n);
      server.submitRequest(requestFor(entry, acts, server));
      const prepared = server.prepared.at(-1)?.txnBytes;
      const what = `${entry.header.zxid.toString(16)} type ${entry.header.type}`;
      expect(comparable(prepared ?? new Uint8Array(0)), what).toBe(comparable(bytes));
    }
    expect(server.prepared.length).toBe(proposals.length);
    expect(server.db.tree.digestMismatchCount).toBe(0);
  },
);
