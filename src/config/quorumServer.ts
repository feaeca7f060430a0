/**
 * One member of the ensemble as its `server.N` line tells it, and that line's exact text again, since it travels in
 * notifications, in NEWLEADER and in `/zookeeper/config` (`QuorumPeer.QuorumServer`).
 */

import type { Address } from '../ports/network.ts';
import type { Sid } from '../wire/ids.ts';
import { ConfigError } from './configError.ts';
import {
  ANY_IPV4_HOST,
  canonicalHost,
  isHost,
  joinHostPort,
  parsePort,
  splitHostAndPorts,
} from './hostPort.ts';

export type LearnerType = 'participant' | 'observer';

/** One machine address of a server; more than one only with `multiAddress.enabled`. */
export interface ServerEndpoint {
  readonly host: string;
  readonly quorumPort: number;
  readonly electionPort: number;
}

const FORM =
  'host:quorumPort:electionPort[:participant|observer][;[clientAddress:]clientPort], IPv6 hosts in brackets';

export class QuorumServer {
  readonly sid: Sid;
  /** At least one, in the order of their hosts as ZooKeeper prints them. */
  readonly endpoints: readonly [ServerEndpoint, ...ServerEndpoint[]];
  readonly type: LearnerType;
  /** Where clients connect, `host:port`; null where the line does not say. */
  readonly clientAddress: Address | null;

  constructor(
    sid: Sid,
    endpoints: readonly [ServerEndpoint, ...ServerEndpoint[]],
    type: LearnerType = 'participant',
    clientAddress: Address | null = null,
  ) {
    this.sid = sid;
    this.endpoints = endpoints;
    this.type = type;
    this.clientAddress = clientAddress;
  }

  /** Where learners connect to this server when it leads: the first of its addresses. */
  get quorumAddress(): Address {
    const [{ host, quorumPort }] = this.endpoints;
    return joinHostPort(host, quorumPort);
  }

  /** Where votes are sent: the first of its addresses. */
  get electionAddress(): Address {
    const [{ host, electionPort }] = this.endpoints;
    return joinHostPort(host, electionPort);
  }

  get electionAddresses(): readonly Address[] {
    return this.endpoints.map(({ host, electionPort }) => joinHostPort(host, electionPort));
  }

  /** The value of its `server.N` line, byte for byte as ZooKeeper writes it. */
  toString(): string {
    const addresses = this.endpoints
      .map(
        ({ host, quorumPort, electionPort }) => `${joinHostPort(host, quorumPort)}:${electionPort}`,
      )
      .join('|');
    return `${addresses}:${this.type}${this.clientAddress === null ? '' : `;${this.clientAddress}`}`;
  }
}

/**
 * Reads the value of a `server.N` line.
 * @param line where it stands, for the error
 * @throws ConfigError
 */
export function parseQuorumServer(sid: Sid, value: string, line: number | null): QuorumServer {
  const fail = (what: string): never => {
    throw new ConfigError(line, `server.${sid}=${value}: ${what}; write ${FORM}`);
  };
  const [serverPart = '', clientPart, ...surplus] = value.split(';');
  if (surplus.length > 0) return fail('there is more than one ";"');
  const parts = serverPart.split('|').map((address) => parseEndpoint(address.trim(), fail));
  const [first, ...others] = parts;
  if (first === undefined) return fail('there is no address');
  const endpoints = [first.endpoint, ...others.map((part) => part.endpoint)].sort((a, b) =>
    a.host < b.host ? -1 : a.host > b.host ? 1 : 0,
  );
  const [firstEndpoint, ...otherEndpoints] = endpoints;
  if (firstEndpoint === undefined) return fail('there is no address');
  const types = new Set(parts.flatMap((part) => (part.type === null ? [] : [part.type])));
  if (types.size > 1) return fail('its addresses name different roles');
  const [type = 'participant'] = types;
  const clientAddress = clientPart === undefined ? null : parseClient(clientPart.trim(), fail);
  return new QuorumServer(sid, [firstEndpoint, ...otherEndpoints], type, clientAddress);
}

type Fail = (what: string) => never;

function parseEndpoint(
  text: string,
  fail: Fail,
): { readonly endpoint: ServerEndpoint; readonly type: LearnerType | null } {
  const [host, quorum, election, role, ...surplus] = splitHostAndPorts(text) ?? [];
  if (host === undefined || quorum === undefined || election === undefined || surplus.length > 0) {
    return fail(`"${text}" has not the right number of parts`);
  }
  if (host === '') return fail('the host is missing');
  if (!isHost(host)) return fail(`"${host}" is no host name`);
  const quorumPort = parsePort(quorum);
  if (quorumPort === null) return fail(`the quorum port "${quorum}" is no number from 1 to 65535`);
  const electionPort = parsePort(election);
  if (electionPort === null) {
    return fail(`the election port "${election}" is no number from 1 to 65535`);
  }
  if (quorumPort === electionPort) return fail('the quorum and the election port must differ');
  const endpoint = { host: canonicalHost(host), quorumPort, electionPort };
  return { endpoint, type: role === undefined ? null : parseLearnerType(role, fail) };
}

function parseLearnerType(text: string, fail: Fail): LearnerType {
  const type = text.trim().toLowerCase();
  if (type === 'participant' || type === 'observer') return type;
  return fail(`"${text}" is no role`);
}

function parseClient(text: string, fail: Fail): Address {
  const parts = splitHostAndPorts(text) ?? [];
  const [first, second, ...surplus] = parts;
  if (first === undefined || surplus.length > 0) return fail(`"${text}" is no client address`);
  const port = parsePort(second ?? first);
  if (port === null)
    return fail(`the client port "${second ?? first}" is no number from 1 to 65535`);
  return joinHostPort(second === undefined ? ANY_IPV4_HOST : canonicalHost(first), port);
}
