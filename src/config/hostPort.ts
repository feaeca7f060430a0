/**
 * `host:port` texts, with IPv6 hosts in brackets: taken apart for `server.N` lines and put together in the spelling of
 * ZooKeeper (`ConfigUtils.getHostAndPort`, `QuorumServer.delimitedHostString`). Nothing is resolved here.
 */

import type { Address } from '../ports/network.ts';

export const ANY_IPV4_HOST = '0.0.0.0';

const IPV6_GROUP_COUNT = 8;
const PORT_MAX = 65_535;

/** `host:a:b:c` as `[host, a, b, c]`, or null where brackets do not match. The host comes back without its brackets. */
export function splitHostAndPorts(text: string): readonly string[] | null {
  if (!text.startsWith('[')) return text.split(':');
  const end = text.indexOf(']');
  if (end < 0) return null;
  const host = text.slice(1, end);
  const rest = text.slice(end + 1);
  if (rest === '') return [host];
  if (!rest.startsWith(':')) return null;
  return [host, ...rest.slice(1).split(':')];
}

/** A name, or an IPv4 or IPv6 literal, in ASCII (an international name in its `xn--` form). */
export const isHost = (text: string): boolean => /^[\w.:%-]{1,253}$/.test(text);

/** A whole number from 1 to 65535, or null. */
export function parsePort(text: string): number | null {
  if (!/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port >= 1 && port <= PORT_MAX ? port : null;
}

export function joinHostPort(host: string, port: number): Address {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Stands for every address of a machine: nobody can be dialled there. */
export function isWildcardHost(host: string): boolean {
  return host === ANY_IPV4_HOST || canonicalHost(host) === '0:0:0:0:0:0:0:0';
}

/**
 * A literal IPv6 host in the one spelling Java prints (`::1` is `0:0:0:0:0:0:0:1`), so that both sides of a comparison
 * and both kinds of server write the same text. Any other host as it is.
 */
export function canonicalHost(host: string): string {
  if (!host.includes(':')) return host;
  const [literal = '', ...scope] = host.split('%');
  const groups = expandIpv6(literal);
  return groups === null ? host : [groups.join(':'), ...scope].join('%');
}

function expandIpv6(literal: string): readonly string[] | null {
  const halves = literal.split('::');
  if (halves.length > 2) return null;
  const head = splitGroups(halves[0] ?? '');
  const tail = halves.length === 2 ? splitGroups(halves[1] ?? '') : [];
  const missing = IPV6_GROUP_COUNT - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...new Array<string>(missing).fill('0'), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return groups.map((group) => Number.parseInt(group, 16).toString(16));
}

const splitGroups = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));
