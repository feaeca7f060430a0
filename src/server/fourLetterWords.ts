/** The four-letter words of the client port: plain questions about a server, answered as text (`FourLetterCommands`). */

import { zxidToString } from '../wire/ids.ts';
import { monitorText } from './monitorText.ts';
import { ServerCnxn } from './serverCnxn.ts';
import type { ServerCnxnFactory } from './serverCnxnFactory.ts';
import { doubleText, sessionIdToString } from './textFormat.ts';
import type { ZooKeeperServer } from './zooKeeperServer.ts';

const WORDS = [
  'conf',
  'cons',
  'crst',
  'dirs',
  'dump',
  'envi',
  'isro',
  'mntr',
  'ruok',
  'srst',
  'srvr',
  'stat',
  'wchc',
  'wchp',
  'wchs',
] as const;
type Word = (typeof WORDS)[number];

const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests\n';
/** We speak for the release whose protocol this is. */
const ZOOKEEPER_RELEASE = '3.8.0';

/** What `srvr`, `stat`, `mntr` and `envi` print as the version: ZooKeeper's form, so that tools can read it. */
export const versionText = (packageVersion: string, builtOn: string): string =>
  `${ZOOKEEPER_RELEASE}-tabkeeper-${packageVersion}, built on ${builtOn}`;

const wordsByInt: ReadonlyMap<number, Word> = new Map(
  WORDS.map((word) => [
    [...word].reduce((value, letter) => (value << 8) | letter.charCodeAt(0), 0),
    word,
  ]),
);

/** The word that the first four bytes of a connection spell; null if it is none that we know. */
export const wordOf = (firstInt: number): Word | null => wordsByInt.get(firstInt) ?? null;

/** Calls `reply` once with the answer, perhaps after a look at the disk. */
export function answerWord(
  factory: ServerCnxnFactory,
  word: Word,
  reply: (text: string) => void,
): void {
  const { fourLetterWordWhitelist } = factory.options;
  if (!fourLetterWordWhitelist.includes('*') && !fourLetterWordWhitelist.includes(word)) {
    reply(`${word} is not executed because it is not in the whitelist.\n`);
    return;
  }
  const { server } = factory;
  if (word === 'ruok') reply('imok');
  else if (word === 'envi') reply(enviText(factory));
  else if (word === 'isro') reply(isroText(server));
  else if (server === null) reply(NOT_SERVING);
  else if (word === 'conf' || word === 'dirs') {
    withDirectorySize(factory, (sizeText) => {
      reply(word === 'dirs' ? dirsText(sizeText) : confText(factory, server, sizeText));
    });
  } else reply(textOf(factory, server, word));
}

function textOf(
  factory: ServerCnxnFactory,
  server: ZooKeeperServer,
  word: Exclude<Word, 'ruok' | 'envi' | 'isro' | 'conf' | 'dirs'>,
): string {
  switch (word) {
    case 'srvr':
      return versionLines(factory, server) + serverLines(factory, server);
    case 'stat':
      return `${versionLines(factory, server)}Clients:\n${cnxnLines(factory, true)}\n${serverLines(factory, server)}`;
    case 'cons':
      return `${cnxnLines(factory, false)}\n`;
    case 'crst':
      for (const cnxn of factory.cnxns) cnxn.stats.reset();
      return 'Connection stats reset.\n';
    case 'srst':
      server.serverStats.reset();
      return 'Server stats reset.\n';
    case 'mntr':
      return monitorText(factory, server);
    case 'dump':
      return dumpText(factory, server);
    case 'wchs':
      return wchsText(server);
    case 'wchc':
      return wchcText(server);
    case 'wchp':
      return wchpText(server);
  }
}

const isroText = (server: ZooKeeperServer | null): string => {
  if (server === null) return 'null';
  return server.mode === 'read-only' ? 'ro' : 'rw';
};

function versionLines(factory: ServerCnxnFactory, server: ZooKeeperServer): string {
  const readOnly =
    server.mode === 'read-only' ? 'READ-ONLY mode; serving only read-only clients\n' : '';
  return `Zookeeper version: ${factory.options.version}\n${readOnly}`;
}

function serverLines(factory: ServerCnxnFactory, server: ZooKeeperServer): string {
  const { latency, packetsReceivedCount, packetsSentCount } = server.serverStats;
  const sizes = server.proposalSizes();
  return [
    `Latency min/avg/max: ${latency.min}/${doubleText(latency.average)}/${latency.max}`,
    `Received: ${packetsReceivedCount}`,
    `Sent: ${packetsSentCount}`,
    `Connections: ${factory.cnxns.size}`,
    `Outstanding: ${server.requestsInProcess}`,
    `Zxid: ${zxidToString(server.lastProcessedZxid)}`,
    `Mode: ${server.mode}`,
    `Node count: ${server.db.tree.nodeCount}`,
    ...(sizes === null
      ? []
      : [`Proposal sizes last/min/max: ${sizes.last}/${sizes.min}/${sizes.max}`]),
    '',
  ].join('\n');
}

const cnxnLines = (factory: ServerCnxnFactory, brief: boolean): string =>
  [...factory.cnxns].map((cnxn) => `${cnxn.infoText(brief)}\n`).join('');

function dumpText(factory: ServerCnxnFactory, server: ZooKeeperServer): string {
  const owners = server.db.tree.sessionsWithEphemerals;
  const lines = [
    'SessionTracker dump:',
    ...server.sessionTracker.dumpLines(),
    'ephemeral nodes dump:',
    `Sessions with Ephemerals (${owners.size}):`,
  ];
  for (const [owner, paths] of owners) {
    lines.push(`${sessionIdToString(owner)}:`);
    for (const path of paths) lines.push(`\t${path}`);
  }
  lines.push('Connections dump:', ...factory.dumpLines(), '');
  return lines.join('\n');
}

function wchsText(server: ZooKeeperServer): string {
  const { connectionCount, pathCount, watchCount } = server.db.tree.watchesSummary();
  return `${connectionCount} connections watching ${pathCount} paths\nTotal watches:${watchCount}\n`;
}

/** Only data and exists watches, as ZooKeeper prints them. */
function wchcText(server: ZooKeeperServer): string {
  let text = '';
  for (const [watcher, paths] of server.db.tree.dataWatches.byWatcher()) {
    if (!(watcher instanceof ServerCnxn) || paths.size === 0) continue;
    text += `${sessionIdToString(watcher.sessionId)}\n`;
    for (const path of paths) text += `\t${path}\n`;
  }
  return `${text}\n`;
}

function wchpText(server: ZooKeeperServer): string {
  let text = '';
  for (const [path, watchers] of server.db.tree.dataWatches.byPath()) {
    text += `${path}\n`;
    for (const watcher of watchers) {
      if (watcher instanceof ServerCnxn) text += `\t${sessionIdToString(watcher.sessionId)}\n`;
    }
  }
  return `${text}\n`;
}

function enviText(factory: ServerCnxnFactory): string {
  const { version, environment } = factory.options;
  const facts = [['zookeeper.version', version] as const, ...environment];
  return `Environment:\n${facts.map(([name, value]) => `${name}=${value}\n`).join('')}`;
}

function confText(factory: ServerCnxnFactory, server: ZooKeeperServer, sizeText: string): string {
  const { options } = factory;
  const roleLines = server.confLines();
  const lines = [
    `clientPort=${portOf(options.clientAddress)}`,
    'secureClientPort=-1',
    `dataDir=${options.dataDir}`,
    `dataDirSize=${sizeText}`,
    `dataLogDir=${options.dataLogDir}`,
    `dataLogSize=${sizeText}`,
    `tickTime=${server.options.tickTimeMs}`,
    `maxClientCnxns=${options.maxClientCnxns}`,
    `minSessionTimeout=${server.options.minSessionTimeoutMs}`,
    `maxSessionTimeout=${server.options.maxSessionTimeoutMs}`,
    'clientPortListenBacklog=-1',
    // ZooKeeper's standalone server has no id, although its sessions carry 1.
    `serverId=${server.mode === 'standalone' ? 0 : server.options.serverId}`,
  ];
  // The membership, which ends an ensemble's text, has no line end.
  return roleLines.length === 0 ? `${lines.join('\n')}\n` : [...lines, ...roleLines].join('\n');
}

const dirsText = (sizeText: string): string =>
  `datadir_size: ${sizeText}\nlogdir_size: ${sizeText}\n`;

const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);

/** All files of the data directory, in bytes; what the disk said if it could not be read. */
function withDirectorySize(factory: ServerCnxnFactory, then: (sizeText: string) => void): void {
  factory.world.disk.list((result) => {
    if (!result.ok) then(result.error.message);
    else then(String(result.value.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)));
  });
}
