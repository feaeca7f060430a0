/** Access control lists as ZooKeeper's command line writes them, read back. Pure. */

import { type ACL, Perms } from '../wire/dataRecords.ts';

export const PERMISSIONS = [
  { letter: 'c', bit: Perms.CREATE, says: 'create children' },
  { letter: 'd', bit: Perms.DELETE, says: 'delete children' },
  { letter: 'r', bit: Perms.READ, says: 'read' },
  { letter: 'w', bit: Perms.WRITE, says: 'write' },
  { letter: 'a', bit: Perms.ADMIN, says: 'change this list' },
] as const;

/** The number that permissions stand for; letters that are none are told to `unknown` and left out. */
function permsOf(letters: string, unknown: (letter: string) => void): number {
  let perms = 0;
  for (const letter of letters) {
    const found = PERMISSIONS.find((permission) => permission.letter === letter);
    if (found === undefined) unknown(letter);
    else perms |= found.bit;
  }
  return perms;
}

/**
 * Reads `scheme:id:perms`; the id may hold colons. Null for what has no such form.
 */
export function parseAcl(text: string, unknown: (letter: string) => void): ACL | null {
  const first = text.indexOf(':');
  const last = text.lastIndexOf(':');
  if (first < 0 || first === last) return null;
  return {
    perms: permsOf(text.slice(last + 1), unknown),
    id: { scheme: text.slice(0, first), id: text.slice(first + 1, last) },
  };
}
