/** Random conversations: what sessions do one after the other, weighted so that they meet on few nodes. */

import fc from 'fast-check';
import { OpCode } from '../../../src/wire/opCodes.ts';
import type { AclEntry, Acls, Damage, MultiPart, Operation, PathText } from './operations.ts';

export type Step =
  | {
      readonly kind: 'request';
      readonly session: number;
      readonly operation: Operation;
      /** Null: the session's next number. */
      readonly xid: number | null;
      readonly damage: Damage;
    }
  /** Sent in one write, without waiting for answers. */
  | { readonly kind: 'batch'; readonly session: number; readonly operations: readonly Operation[] }
  /** The client hangs up and comes back with its session. */
  | {
      readonly kind: 'reattach';
      readonly session: number;
      readonly password: 'right' | 'wrong' | 'short' | 'none';
      /** With the old connection still open. */
      readonly twice: boolean;
    }
  /** Somebody else connects, with a first frame that may be odd. */
  | { readonly kind: 'connect'; readonly request: OddConnect; readonly damage: Damage };

export interface OddConnect {
  readonly protocolVersion: number;
  readonly seen: 'none' | 'largest' | 'negative';
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly passwordLength: number | null;
  readonly readOnly: boolean | null;
}

export const SESSION_COUNT = 3;
const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);

/** Few names, so that operations meet. */
const plainPath = fc.constantFrom<PathText>(
  ...['~', '~/a', '~/b', '~/a/a', '~/a/b', '~/a/b/c', '~/b/s-', '~/a/', '~/a/s'],
);

const oddPath = fc.constantFrom<PathText>(
  ...[null, '', '/', 'a', '~/', '~//a', '~/./a', '~/..', '~/a/../b', '~/a//', '//', '/.'],
  ...['~/\0', '\0', '~/a\u0001', '~/\u007f', '~/\u00e9', '~/\u20ac', '~/\ud83d\ude00', '~/\ue000'],
  ...['~/\ufff0', '~/\ufeff', '~/ ', ' ~/a', '~/a ', `~/${'x'.repeat(300)}`],
  ...['/zookeeper', '/zookeeper/config', '/zookeeper/quota', '/zookeeper/quota~', '/zookeeper/a'],
  ...['/zookeeper/quota~/zookeeper_limits', '/zookeeper/quota~/zookeeper_stats'],
  ...['/zookeeper/quota~/a', '/zookeeper/quota~/a/zookeeper_limits', '~/a/b/c/d/e'],
);

const path = fc.oneof({ weight: 9, arbitrary: plainPath }, { weight: 1, arbitrary: oddPath });

const data = fc.constantFrom<string | null>(
  ...[null, '', 'x', 'some data', '\0\x01\xff', 'y'.repeat(1_000)],
);

const version = fc.oneof(
  { weight: 6, arbitrary: fc.constant(-1) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(-2, INT_MAX, INT_MIN) },
);

const ALICE = 'alice:0nTkzHpPeZbqrvuFWmNFPsTVmrI=';
const world = (perms: number): AclEntry => ({ perms, scheme: 'world', id: 'anyone' });

const aclEntry = fc.constantFrom<AclEntry>(
  ...[31, 1, 2, 4, 8, 16, 0, 3, 64, -1].map(world),
  ...[31, 1].map((perms) => ({ perms, scheme: 'digest', id: ALICE })),
  { perms: 31, scheme: 'digest', id: 'alice' },
  { perms: 31, scheme: 'digest', id: 'a:b:c' },
  { perms: 31, scheme: 'digest', id: ':' },
  { perms: 31, scheme: 'digest', id: '' },
  ...['', 'alice'].map((id) => ({ perms: 31, scheme: 'auth', id })),
  ...['127.0.0.1', '10.0.0.1', '127.0.0.0/8', '127.0.0.1/33', '127.0.0', '1.2.3.4.5', '', 'x'].map(
    (id) => ({ perms: 31, scheme: 'ip', id }),
  ),
  { perms: 31, scheme: 'world', id: 'somebody' },
  { perms: 31, scheme: 'super', id: 'super' },
  { perms: 31, scheme: 'x509', id: 'CN=alice' },
  { perms: 31, scheme: 'sasl', id: 'alice' },
  { perms: 31, scheme: 'none', id: 'x' },
  { perms: 31, scheme: '', id: '' },
);

const acl = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Acls>([world(31)]) },
  { weight: 3, arbitrary: fc.array(aclEntry, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constant<Acls>(null) },
);

const flags = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 2, arbitrary: fc.integer({ min: 4, max: 6 }) },
  { weight: 1, arbitrary: fc.constantFrom(-1, 7, 100, INT_MAX) },
);

const ttl = fc.constantFrom(1_000n, 86_400_000n, 0n, -1n, 2n ** 40n - 1n, 2n ** 40n, 2n ** 62n);

const create = fc.record({
  op: fc.constantFrom('create' as const, 'create2' as const),
  path,
  data,
  acl,
  flags,
});
const createContainer = fc.record({
  op: fc.constant('createContainer' as const),
  path,
  data,
  acl,
  flags: fc.oneof({ weight: 6, arbitrary: fc.constant(4) }, { weight: 1, arbitrary: flags }),
});
const createTTL = fc.record({
  op: fc.constant('createTTL' as const),
  path,
  data,
  acl,
  flags: fc.oneof({ weight: 6, arbitrary: fc.constantFrom(5, 6) }, { weight: 1, arbitrary: flags }),
  ttl,
});
const remove = fc.record({ op: fc.constant('delete' as const), path, version });
const setData = fc.record({ op: fc.constant('setData' as const), path, data, version });
const check = fc.record({ op: fc.constant('check' as const), path, version });
const watch = fc.boolean();
const multiRead = fc.record({
  op: fc.constantFrom('getData' as const, 'getChildren' as const),
  path,
  watch,
});
const stray = fc.record({
  op: fc.constant('stray' as const),
  code: fc.constantFrom(-1, 0, 3, 7, 9, 12, 13, 14, 16, 20, 77),
});

const multiPart: fc.Arbitrary<MultiPart> = fc.oneof(
  { weight: 6, arbitrary: create },
  { weight: 1, arbitrary: createContainer },
  { weight: 1, arbitrary: createTTL },
  { weight: 3, arbitrary: remove },
  { weight: 4, arbitrary: setData },
  { weight: 4, arbitrary: check },
);

const multi = fc.record({
  op: fc.constant('multi' as const),
  parts: fc.oneof(
    { weight: 12, arbitrary: fc.array(multiPart, { maxLength: 6 }) },
    {
      weight: 1,
      arbitrary: fc.array(fc.oneof(multiPart, stray, multiRead), { maxLength: 4 }),
    },
  ),
});

const multiReadRequest = fc.record({
  op: fc.constant('multiRead' as const),
  parts: fc.oneof(
    { weight: 8, arbitrary: fc.array(multiRead, { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.array(fc.oneof(multiRead, multiPart, stray), { maxLength: 4 }) },
  ),
});

const setWatches = fc.oneof(
  fc.record({
    op: fc.constant('setWatches' as const),
    seen: fc.constantFrom('none' as const, 'last' as const, 'largest' as const),
    paths: fc.array(fc.array(path, { maxLength: 2 }), { minLength: 3, maxLength: 3 }),
  }),
  fc.record({
    op: fc.constant('setWatches2' as const),
    seen: fc.constantFrom('none' as const, 'last' as const, 'largest' as const),
    paths: fc.array(fc.array(path, { maxLength: 2 }), { minLength: 5, maxLength: 5 }),
  }),
);

const auth = fc.record({
  op: fc.constant('auth' as const),
  scheme: fc.oneof(
    { weight: 6, arbitrary: fc.constant('digest') },
    { weight: 1, arbitrary: fc.constantFrom('ip', 'world', 'auth', 'x509', 'sasl', '', null) },
  ),
  auth: fc.oneof(
    { weight: 4, arbitrary: fc.constant('alice:secret') },
    {
      weight: 1,
      arbitrary: fc.constantFrom('bob:secret', 'alice', ':', '', 'a:b:c', '\xff', null),
    },
  ),
});

const quota = fc.record({
  op: fc.constant('create' as const),
  path: fc.constantFrom(
    '/zookeeper/quota~',
    '/zookeeper/quota~/zookeeper_limits',
    '/zookeeper/quota~/zookeeper_stats',
    '/zookeeper/quota~/a',
    '/zookeeper/quota~/a/zookeeper_limits',
    '/zookeeper/quota~/a/zookeeper_stats',
  ),
  data: fc.constantFrom(
    'count=3,bytes=20',
    'count=-1,bytes=-1=;byteHardLimit=12;countHardLimit=3',
    'count=2,bytes=5=;byteHardLimit=-1;countHardLimit=2',
    'count=0,bytes=0',
    'count=0,bytes=0=;byteHardLimit=0;countHardLimit=0',
    'nonsense',
    '',
    null,
  ),
  acl: fc.constant<Acls>([world(31)]),
  flags: fc.constant(0),
});

/** Those whose answers come in the order of the requests, whatever came before. */
const ordered: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 14, arbitrary: create },
  { weight: 3, arbitrary: createContainer },
  { weight: 3, arbitrary: createTTL },
  { weight: 6, arbitrary: remove },
  { weight: 8, arbitrary: setData },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('setACL' as const), path, acl, version }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      op: fc.constantFrom('exists' as const, 'getChildren2' as const),
      path,
      watch,
    }),
  },
  { weight: 10, arbitrary: multiRead },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constantFrom(
        'getACL' as const,
        'sync' as const,
        'getAllChildrenNumber' as const,
        'getEphemerals' as const,
      ),
      path,
    }),
  },
  { weight: 8, arbitrary: multi },
  { weight: 3, arbitrary: multiReadRequest },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constantFrom(
        'addWatch' as const,
        'addWatch' as const,
        'removeWatches' as const,
        'checkWatches' as const,
      ),
      path,
      kind: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 3 }) },
        { weight: 1, arbitrary: fc.constantFrom(-1, 4, INT_MAX) },
      ),
    }),
  },
  { weight: 3, arbitrary: setWatches },
  { weight: 3, arbitrary: quota },
  { weight: 2, arbitrary: fc.constantFrom<Operation>({ op: 'ping' }, { op: 'whoAmI' }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('reconfig' as const),
      joining: fc.constantFrom(null, '', 'server.9=127.0.0.1:1:2:participant;3'),
      version: fc.constantFrom(-1n, 0n),
    }),
  },
);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 40, arbitrary: ordered },
  { weight: 3, arbitrary: auth },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('deleteContainer' as const), path }) },
  { weight: 1, arbitrary: stray.filter(({ code }) => code !== OpCode.reconfig) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Operation>(
      { op: 'closeSession' },
      { op: 'sasl', token: 'x' },
      { op: 'sasl', token: null },
      { op: 'createSession' },
    ),
  },
);

const damage: fc.Arbitrary<Damage> = fc.oneof(
  { weight: 24, arbitrary: fc.constant<Damage>({ kind: 'none' }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('cut' as const), at: fc.nat({ max: 60 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('patch' as const),
      at: fc.integer({ min: 4, max: 60 }),
      value: fc.oneof(
        fc.constantFrom(-1, -2, 0, 1, 2, 255, 65_536, INT_MAX, INT_MIN, 0xfffff, 0x1fffff),
        fc.integer(),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('length' as const),
      value: fc.constantFrom(-1, INT_MIN, INT_MAX, 0x10_0000, 0xfff_ffff),
    }),
  },
);

const xid = fc.oneof(
  { weight: 12, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom(0, -2, -3, -4, -8, 1, INT_MAX, INT_MIN) },
);

const session = fc.nat({ max: SESSION_COUNT - 1 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.record({
      kind: fc.constant('request' as const),
      session,
      operation,
      xid,
      damage,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      session,
      operations: fc.array(ordered, { minLength: 2, maxLength: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('reattach' as const),
      session,
      password: fc.constantFrom(
        'right' as const,
        'right' as const,
        'wrong' as const,
        'short' as const,
        'none' as const,
      ),
      twice: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('connect' as const),
      request: fc.record({
        protocolVersion: fc.constantFrom(0, 1, -1),
        seen: fc.constantFrom('none' as const, 'largest' as const, 'negative' as const),
        timeoutMs: fc.constantFrom(30_000, 0, -1, 1, INT_MAX),
        sessionId: fc.constantFrom(0n, 1n, -1n),
        passwordLength: fc.constantFrom(16, 0, 8, 100, null),
        readOnly: fc.constantFrom(null, true, false),
      }),
      damage,
    }),
  },
);

/** Some nodes first, so that most of what follows finds something. */
export const script: fc.Arbitrary<readonly Step[]> = fc.array(step, {
  minLength: 1,
  maxLength: 40,
  size: 'max',
});
