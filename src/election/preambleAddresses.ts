/** The addresses a preamble names, those that can be dialled (`QuorumCnxManager.InitialMessage`). */

import {
  isHost,
  isWildcardHost,
  joinHostPort,
  parsePort,
  splitHostAndPorts,
} from '../config/hostPort.ts';
import type { Address } from '../ports/network.ts';

/**
 * Wildcards are left out: they say nothing of where the sender is. Null if one is no `host:port` (IPv6 in brackets).
 */
export function dialableAddresses(texts: readonly string[]): readonly Address[] | null {
  const addresses: Address[] = [];
  for (const text of texts) {
    const [host, portText, ...surplus] = splitHostAndPorts(text) ?? [];
    if (host === undefined || !isHost(host) || portText === undefined || surplus.length > 0) {
      return null;
    }
    const port = parsePort(portText);
    if (port === null) return null;
    if (!isWildcardHost(host)) addresses.push(joinHostPort(host, port));
  }
  return addresses;
}
