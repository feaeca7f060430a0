/** Reads the logs of real ZooKeeper servers for what they complain of. */

import { expect } from 'vitest';
import type { ServerProcess } from './serverProcess.ts';

interface Harmless {
  readonly pattern: RegExp;
  readonly because: string;
}

/** Somebody at the other end has gone: what a killed or stopped server looks like to the others. */
const GONE =
  '(EOFException|InterruptedException|SocketException: (Connection reset|Broken pipe|Socket closed|Closed by interrupt)|ClosedByInterruptException|AsynchronousCloseException)';

/** Warnings that real servers also print when they are among themselves. */
const HARMLESS: readonly Harmless[] = [
  { pattern: /maxCnxns is not configured/, because: 'it says a default' },
  {
    pattern: /Got zxid 0x[0-9a-f]+ expected 0x1$/,
    because: 'a new follower compares the first proposal with a zxid it has never set',
  },
  {
    pattern: /Got zxid 0x[0-9a-f]+00000001 expected 0x/,
    because: 'the first transaction of a new epoch does not follow the last of the one before',
  },
  {
    pattern: /only one server specified|running in standalone mode/,
    because: 'it says that it stands alone',
  },
  {
    pattern: /(Error closing a command socket|Unexpected exception) .*"this.zkDb" is null/,
    because: 'it was asked how it is, or dialled, before it had a database',
  },
  { pattern: /Peer type from servers list/, because: 'zoo.cfg names observers in one place only' },
  {
    pattern:
      /Cannot open channel to \d+ at election address .*ConnectException: Connection refused/,
    because: 'the other server is not up, or no longer',
  },
  {
    pattern: new RegExp(
      `NIOServerCnxn@\\d+: .*(${GONE}|Connection reset|Broken pipe|EndOfStreamException)`,
    ),
    because: 'a client went away without a word, as the ones that ask for srvr do',
  },
  {
    pattern: /NIOServerCnxn@\d+: .*ZooKeeperServer not running/,
    because: 'a client came too early',
  },
  {
    pattern: new RegExp(`QuorumCnxManager\\$(Send|Recv)Worker@\\d+: .*${GONE}`),
    because: 'an election connection ended with the server at its other end',
  },
  {
    pattern: /SendWorker@\d+: Send worker leaving|RecvWorker@\d+: Interrupting SendWorker/,
    because: 'the farewell of the threads of such a connection',
  },
  {
    pattern: new RegExp(`LearnerHandler@\\d+: .*${GONE}`),
    because: 'a learner was killed or stopped',
  },
  { pattern: /LearnerHandler@\d+: \*+ GOODBYE/, because: 'the farewell of its thread' },
  {
    pattern: new RegExp(
      `(Follower|Observer|Learner)@\\d+: Exception when (follow|observ)ing the leader.*${GONE}`,
    ),
    because: 'the leader was killed or stopped',
  },
  {
    pattern: new RegExp(
      `Learner@\\d+: Closing connection to leader, exception during packet send.*${GONE}`,
    ),
    because: 'the leader was killed or stopped',
  },
  {
    pattern:
      /Learner(\$LeaderConnector)?@\d+: Unexpected exception, .*ConnectException: Connection refused/,
    because: 'the leader does not listen yet: it is dialled again',
  },
  {
    pattern: /Timeout while waiting for epoch from quorum|Exception while shutting down acceptor/,
    because: 'on a busy machine a follower gave up dialling before its leader listened',
  },
  {
    pattern: new RegExp(`SendAckRequestProcessor@\\d+: Closing connection to leader.*${GONE}`),
    because: 'the leader was killed or stopped',
  },
  {
    pattern:
      /Severe unrecoverable error, from thread : ((Follower|Observer)RequestProcessor:\d+ \| java.net.SocketException|SyncThread:\d+ \| java.lang.NullPointerException: .*"this.learner.sock" is null)/,
    because: 'what 3.8.0 says when its leader dies between two steps of a request',
  },
  {
    pattern: /Unable to find proposals from txnlog for zxid/,
    because: 'it says that it sends a snapshot instead of its log',
  },
  {
    pattern:
      /Exception when following the leader \| java.lang.NullPointerException: .*"pif" is null/,
    because:
      'ZOOKEEPER-4394, mended in 3.8.1: a COMMIT between NEWLEADER and UPTODATE. It follows anew',
  },
  {
    pattern: /FileTxnLog@\d+: Current zxid \d+ is <= \d+ for/,
    because: 'after that it logs what it had logged already',
  },
  {
    pattern: /MBeanRegistry@\d+: Failed to register|Failed to register with JMX/,
    because: 'after that it registers a second time',
  },
  {
    pattern: /SyncRequestProcessor@\d+: Too busy to snap, skipping/,
    because: 'it still writes the snapshot before, on a busy machine',
  },
  {
    pattern: /Cannot send TRUNC to peer sid: \d+ peer zxid is from different epoch/,
    because: 'it says that it sends a snapshot instead',
  },
  {
    pattern: /FileTxnSnapLog@\d+: \d+\(highestZxid\) > \d+\(next log\)/,
    because: 'it reads again what it has logged twice (after ZOOKEEPER-4394, see "pif")',
  },
  { pattern: /Truncating log to get in sync with the leader/, because: 'it does what TRUNC says' },
  { pattern: /QuorumPeer@\d+: PeerState set to LOOKING/, because: 'it says that a role ended' },
];

/** Warnings and errors that are not known to be harmless, with their stack traces' first line. */
function complaintsOf(log: string): readonly string[] {
  const lines = log.split('\n');
  return lines
    .map((line, i) => [line, /^\d{4}-/.test(lines[i + 1] ?? '') ? '' : ` | ${lines[i + 1] ?? ''}`])
    .filter(([line = '']) => / (WARN|ERROR|FATAL) /.test(line))
    .map((parts) => parts.join(''))
    .filter((complaint) => !HARMLESS.some(({ pattern }) => pattern.test(complaint)));
}

/**
 * Fails if a real server has warned of anything that servers of its own kind do not make it warn of, or if one of ours
 * has found a digest wrong that was not a real leader's. A real leader's digest that one of ours finds wrong as well is
 * that leader's fault: 3.8.0 computes it while another thread applies. What Tabkeeper proposes has no such excuse.
 */
export function expectNoComplaints(servers: readonly ServerProcess[]): void {
  const realEpochs = new Set(servers.flatMap((server) => epochsLed(server.log('apache'))));
  const wrongForUs = servers.flatMap((server) => wrongDigestsOf(server.log('tabkeeper')));
  const isOfRealLeader = (zxid: bigint): boolean => realEpochs.has(zxid >> EPOCH_SHIFT);
  expect(
    wrongForUs.filter((zxid) => !isOfRealLeader(zxid)),
    'digests of ours that one of ours finds wrong',
  ).toEqual([]);
  for (const server of servers) {
    const log = server.log('apache');
    const known = new Set([...wrongForUs, ...loggedTwice(log)]);
    const complaints = complaintsOf(log).filter((complaint) => {
      const [, zxid] = DIGEST_COMPLAINT.exec(complaint) ?? [];
      return zxid === undefined || !known.has(BigInt(zxid));
    });
    expect(complaints, `Apache's log of server ${server.sid}`).toEqual([]);
  }
}

const EPOCH_SHIFT = 32n;

/** The epochs that this real server has led, by its own word. */
const epochsLed = (log: string): readonly bigint[] =>
  [...log.matchAll(/starting up and setting last processed zxid: (0x[0-9a-f]+)/g)].map(
    ([, zxid = '0']) => BigInt(zxid) >> EPOCH_SHIFT,
  );

const DIGEST_COMPLAINT =
  /(?:Digests are not matching\. Value is Zxid\. (?:Last v|V)alue:|First digest mismatch on txn: -?\d+,\d+,)(\d+)/;

/** What a server applies a second time gives another digest: a node's parent has counted its creation already. */
const loggedTwice = (log: string): readonly bigint[] =>
  [...log.matchAll(/\(highestZxid\) > (\d+)\(next log\)/g)].map(([, zxid = '0']) => BigInt(zxid));

const wrongDigestsOf = (log: string): readonly bigint[] =>
  [...log.matchAll(/differs from the proposer's after (0x[0-9a-f]+)/g)].map(([, zxid = '0']) =>
    BigInt(zxid),
  );
