import { describe, expect, it } from 'vitest';
import { ReferenceCountedACLCache } from '../../../src/tree/aclCache.ts';
import { checkACL, fixupACL, maskDigestIds } from '../../../src/tree/acl.ts';
import {
  authenticationProvider,
  digestIds,
  generateDigest,
} from '../../../src/tree/authenticationProviders.ts';
import {
  type ACL,
  CREATOR_ALL_ACL,
  type Id,
  OPEN_ACL_UNSAFE,
  Perms,
  READ_ACL_UNSAFE,
} from '../../../src/wire/dataRecords.ts';
import { ErrorCode } from '../../../src/wire/errorCodes.ts';
import { bytes, Replica } from './treeFixture.ts';

const acl = (perms: number, scheme: string, id: string): ACL => ({ perms, id: { scheme, id } });
const ip = (id: string): Id => ({ scheme: 'ip', id });
const alice = 'alice:8y0lhh/7xkdEiwhX7vo9i+/Nmzc=';
const aliceId: Id = { scheme: 'digest', id: alice };
const invalid = expect.objectContaining({ code: ErrorCode.InvalidACL, path: '/a' });

describe('an access control list', () => {
  it('lets everybody do what world:anyone may, and nothing else', () => {
    expect(checkACL(READ_ACL_UNSAFE, Perms.READ, [])).toBe(true);
    expect(checkACL(READ_ACL_UNSAFE, Perms.WRITE, [])).toBe(false);
    expect(checkACL(READ_ACL_UNSAFE, Perms.READ | Perms.ADMIN, [])).toBe(true);
  });

  it('that is empty restricts nobody', () => {
    expect(checkACL([], Perms.ADMIN, [])).toBe(true);
    expect(checkACL(null, Perms.ADMIN, [])).toBe(true);
  });

  it('lets the super user do everything', () => {
    expect(checkACL(READ_ACL_UNSAFE, Perms.DELETE, [{ scheme: 'super', id: '' }])).toBe(true);
  });

  it('knows digest users by their hash', () => {
    const own = [acl(Perms.ALL, 'digest', alice)];
    expect(checkACL(own, Perms.WRITE, [ip('127.0.0.1'), aliceId])).toBe(true);
    expect(checkACL(own, Perms.WRITE, [{ scheme: 'digest', id: 'alice:x' }])).toBe(false);
    expect(checkACL(own, Perms.WRITE, [{ scheme: 'ip', id: alice }])).toBe(false);
  });

  it.each([
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.0.0.0/8', '10.9.9.9', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.1.2.128/25', '10.1.2.200', true],
    ['10.1.2.128/25', '10.1.2.127', false],
    ['192.168.0.0/31', '192.168.0.1', true],
    ['1.2.3.4/0', '200.1.1.1', true],
    ['10.0.0.0/8', 'tab-3', false],
    ['10.0.0.0/33', '10.0.0.0', false],
  ])('with ip:%s meets %s: %s', (expression, id, allowed) => {
    expect(checkACL([acl(Perms.READ, 'ip', expression)], Perms.READ, [ip(id)])).toBe(allowed);
  });

  it('ignores a scheme that this server does not know', () => {
    const own = [acl(Perms.ALL, 'sasl', 'bob')];
    expect(checkACL(own, Perms.READ, [{ scheme: 'sasl', id: 'bob' }])).toBe(false);
  });
});

describe('a list that a client sends', () => {
  it('loses its duplicates', () => {
    const sent = [...OPEN_ACL_UNSAFE, ...OPEN_ACL_UNSAFE, ...READ_ACL_UNSAFE];
    expect(fixupACL('/a', [], sent)).toEqual([...OPEN_ACL_UNSAFE, ...READ_ACL_UNSAFE]);
  });

  it('has auth replaced by everybody its sender has proved to be', () => {
    const bob: Id = { scheme: 'digest', id: 'bob:1' };
    expect(fixupACL('/a', [ip('1.2.3.4'), aliceId, bob], CREATOR_ALL_ACL)).toEqual([
      { perms: Perms.ALL, id: aliceId },
      { perms: Perms.ALL, id: bob },
    ]);
  });

  it.each([
    ['is empty', []],
    ['is null', null],
    ['says auth without having authenticated', CREATOR_ALL_ACL],
    ['has an unknown scheme', [acl(1, 'nobody', 'x')]],
    ['has a world that is not anyone', [acl(1, 'world', 'someone')]],
    ['has a digest without colon', [acl(1, 'digest', 'alice')]],
    ['has a digest with two colons', [acl(1, 'digest', 'a:b:c')]],
    ['has no address', [acl(1, 'ip', '1.2.3')]],
    ['has an address out of range', [acl(1, 'ip', '1.2.3.256')]],
    ['has one bad entry among good ones', [...OPEN_ACL_UNSAFE, acl(1, 'ip', 'x')]],
  ])('is refused if it %s', (_why, acls) => {
    expect(() => fixupACL('/a', [ip('1.2.3.4')], acls)).toThrow(invalid);
  });
});

describe('digest authentication', () => {
  it('makes the ids that ZooKeeper makes', () => {
    expect(generateDigest('super:admin')).toBe('super:xQJmxLMiHGwaqBvst5y6rkB6HQs=');
    expect(digestIds(bytes('super:admin'), null)).toEqual([
      { scheme: 'digest', id: 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=' },
    ]);
  });

  it('adds the super user for the super digest', () => {
    const ids = digestIds(bytes('super:admin'), 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=');
    expect(ids).toContainEqual({ scheme: 'super', id: '' });
  });

  it('is the only one that proves anything', () => {
    expect(authenticationProvider('digest')?.isAuthenticated).toBe(true);
    expect(authenticationProvider('ip')?.isAuthenticated).toBe(false);
    expect(authenticationProvider('world')).toBeNull();
  });

  it('does not show hashes to those who may only read', () => {
    expect(maskDigestIds([...READ_ACL_UNSAFE, acl(31, 'digest', alice)])).toEqual([
      ...READ_ACL_UNSAFE,
      acl(31, 'digest', 'alice:x'),
    ]);
  });
});

describe('the cache of lists', () => {
  const lists = [READ_ACL_UNSAFE, OPEN_ACL_UNSAFE] as const;

  it('gives equal lists one number and forgets a list that nobody uses', () => {
    const cache = new ReferenceCountedACLCache();
    const [read, open] = lists.map((list) => cache.convertAcls(list));
    expect(cache.convertAcls([...READ_ACL_UNSAFE])).toBe(read);
    expect(open).not.toBe(read);
    expect(cache.size).toBe(2);
    cache.removeUsage(read ?? 0);
    expect(cache.convertLong(read ?? 0)).toEqual(READ_ACL_UNSAFE);
    cache.removeUsage(read ?? 0);
    expect(cache.size).toBe(1);
  });

  it('takes no list for another whose strings are cut elsewhere', () => {
    const cache = new ReferenceCountedACLCache();
    const numbers = [acl(1, 'digest', 'a1:b'), acl(1, 'digesta', '1:b'), acl(11, 'digest', ':b')];
    expect(new Set(numbers.map((one) => cache.convertAcls([one]))).size).toBe(3);
  });

  it('has no number for the open list of the server itself', () => {
    const cache = new ReferenceCountedACLCache();
    expect(cache.convertAcls(null)).toBe(-1);
    expect(cache.convertLong(-1)).toEqual(OPEN_ACL_UNSAFE);
    expect(cache.size).toBe(0);
  });

  it('lets nobody in by a number that it does not hold', () => {
    const cache = new ReferenceCountedACLCache();
    expect(checkACL(cache.convertLong(77), Perms.ALL, [aliceId])).toBe(false);
  });

  it('shrinks as nodes change their lists and go', () => {
    const replica = new Replica();
    const before = replica.tree.aclCount;
    replica.create('/a', '', [acl(31, 'digest', alice)]);
    replica.create('/b', '', [acl(31, 'digest', alice)]);
    expect(replica.tree.aclCount).toBe(before + 1);
    replica.apply({ type: 7, path: '/a', acl: OPEN_ACL_UNSAFE, version: 1 });
    expect(replica.tree.getACL('/a').acl).toEqual(OPEN_ACL_UNSAFE);
    expect(replica.tree.aclCount).toBe(before + 2);
    replica.delete('/b');
    expect(replica.tree.aclCount).toBe(before + 1);
  });
});
