/** A connection string as ZooKeeper's own clients take it: `host:port,host2:port2/chroot` (`ConnectStringParser`). */

import { isHost, joinHostPort, parsePort, splitHostAndPorts } from '../config/hostPort.ts';
import type { Address } from '../ports/network.ts';

const DEFAULT_PORT = 2181;

export interface ConnectString {
  /** At least one. */
  readonly addresses: readonly Address[];
  /** `/` where the string names none. */
  readonly chroot: string;
}

/** @throws Error that says which part is wrong and what would do; whether the chroot is a path is the client's to say */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/');
  const hosts = slash < 0 ? text : text.slice(0, slash);
  const parts = hosts.split(',').map((part) => part.trim());
  const addresses = parts.filter((part) => part !== '').map((part) => addressOf(part, text));
  if (addresses.length === 0) throw new Error(`"${text}" names no server: ${FORM}`);
  return { addresses, chroot: slash < 0 ? '/' : text.slice(slash) };
}

const FORM =
  'it takes host:port, several with commas, and /a/node to live below, as in a:2181,b:2181/app';

function addressOf(part: string, whole: string): Address {
  const [host = '', port = String(DEFAULT_PORT), ...more] = splitHostAndPorts(part) ?? [];
  const number = parsePort(port);
  if (number === null || more.length > 0 || !isHost(host)) {
    throw new Error(`"${part}" in "${whole}" is no host:port: ${FORM}`);
  }
  return joinHostPort(host, number);
}
