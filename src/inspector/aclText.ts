/** Access control lists as ZooKeeper's command line prints them. Pure. */

import { type ACL, Perms } from '../wire/dataRecords.ts';

const LETTERS = [
  [Perms.CREATE, 'c'],
  [Perms.DELETE, 'd'],
  [Perms.READ, 'r'],
  [Perms.WRITE, 'w'],
  [Perms.ADMIN, 'a'],
] as const;

/** `world:anyone:cdrwa` */
export function aclText({ perms, id }: ACL): string {
  const letters = LETTERS.filter(([bit]) => (perms & bit) !== 0).map(([, letter]) => letter);
  return `${id.scheme}:${id.id}:${letters.join('')}`;
}
