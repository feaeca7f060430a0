/** Who may do what (`ZooKeeperServer.checkACL`, `PrepRequestProcessor.fixupACL`). Decides from lists and ids alone. */

import type { ACL, Id } from '../wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import { authenticationProvider } from './authenticationProviders.ts';

/**
 * True if somebody with `ids` has one of `perms` (a sum of `Perms`). An empty list or none restricts nobody; the super
 * user passes everywhere.
 */
export function checkACL(acls: readonly ACL[] | null, perms: number, ids: readonly Id[]): boolean {
  if (acls === null || acls.length === 0) return true;
  if (ids.some((id) => id.scheme === 'super')) return true;
  return acls.some((acl) => (acl.perms & perms) !== 0 && isMeant(acl.id, ids));
}

function isMeant(expression: Id, ids: readonly Id[]): boolean {
  if (isAnyone(expression)) return true;
  const provider = authenticationProvider(expression.scheme);
  if (provider === null) return false;
  return ids.some(
    (id) => id.scheme === expression.scheme && provider.matches(id.id, expression.id),
  );
}

const isAnyone = (id: Id): boolean => id.scheme === 'world' && id.id === 'anyone';

/**
 * The list that is stored when somebody with `authInfo` asks for `acls`: without duplicates, `auth` replaced by whom it
 * stands for. Throws `KeeperError` InvalidACL for an empty list, an unknown scheme, an id that is none in its scheme, or
 * `auth` by somebody who has not authenticated.
 */
export function fixupACL(
  path: string,
  authInfo: readonly Id[],
  acls: readonly ACL[] | null,
): readonly ACL[] {
  const unique = withoutDuplicates(acls ?? []);
  const fixed = unique.flatMap((acl) => fixupOne(acl, authInfo) ?? refuse(path));
  return fixed.length === 0 ? refuse(path) : fixed;
}

function fixupOne(acl: ACL, authInfo: readonly Id[]): readonly ACL[] | null {
  if (isAnyone(acl.id)) return [acl];
  if (acl.id.scheme === 'auth') return expandAuth(acl.perms, authInfo);
  const provider = authenticationProvider(acl.id.scheme);
  return provider !== null && provider.isValid(acl.id.id) ? [acl] : null;
}

function expandAuth(perms: number, authInfo: readonly Id[]): readonly ACL[] | null {
  const proved = authInfo.filter((id) => authenticationProvider(id.scheme)?.isAuthenticated);
  return proved.length === 0 ? null : proved.map((id) => ({ perms, id }));
}

function withoutDuplicates(acls: readonly ACL[]): ACL[] {
  const isSame = (a: ACL, b: ACL): boolean =>
    a.perms === b.perms && a.id.scheme === b.id.scheme && a.id.id === b.id.id;
  return acls.filter((acl, index) => acls.findIndex((other) => isSame(acl, other)) === index);
}

function refuse(path: string): never {
  throw new KeeperError(ErrorCode.InvalidACL, path);
}

/** What `getACL` tells somebody without ADMIN: `digest:alice:x` instead of the hash of her password. */
export function maskDigestIds(acls: readonly ACL[]): readonly ACL[] {
  return acls.map((acl) =>
    acl.id.scheme === 'digest'
      ? { perms: acl.perms, id: { scheme: 'digest', id: acl.id.id.replace(/:.*/s, ':x') } }
      : acl,
  );
}
