import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  writeCreateRequest,
  writeDeleteRequest,
  writeReadRequest,
  writeSetACLRequest,
  writeSetDataRequest,
} from '../../../src/wire/clientRequests.ts';
import { OPEN_ACL_UNSAFE, Perms, type ACL } from '../../../src/wire/dataRecords.ts';
import type { JuteWriter } from '../../../src/wire/jute.ts';
import { writeMultiRequest } from '../../../src/wire/multiRecords.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { TestServer } from './testServer.ts';

const PATHS = ['/a', '/b', '/a/x', '/a/y', '/b/x', '/a/x/z'];
const READ_ONLY: readonly ACL[] = [
  { perms: Perms.READ | Perms.ADMIN, id: { scheme: 'world', id: 'anyone' } },
];

const path = fc.constantFrom(...PATHS);
const version = fc.constantFrom(-1, -1, 0, 1, 2);
const acl = fc.constantFrom(OPEN_ACL_UNSAFE, OPEN_ACL_UNSAFE, OPEN_ACL_UNSAFE, READ_ONLY);
const data = fc.constantFrom(null, new Uint8Array(0), Uint8Array.of(1, 2, 3));

const createOp = fc.record({
  type: fc.constant(OpCode.create),
  path,
  data,
  acl,
  flags: fc.constantFrom(0, 0, 1, 2, 3),
});
const deleteOp = fc.record({ type: fc.constant(OpCode.delete), path, version });
const setDataOp = fc.record({ type: fc.constant(OpCode.setData), path, data, version });
const checkOp = fc.record({ type: fc.constant(OpCode.check), path, version });
const setACLOp = fc.record({ type: fc.constant(OpCode.setACL), path, acl, version });
const readOp = fc.record({
  type: fc.constant(OpCode.getChildren2),
  path,
  watch: fc.constant(false),
});
const multiOp = fc.record({
  type: fc.constant(OpCode.multi),
  ops: fc.array(fc.oneof(createOp, deleteOp, setDataOp, checkOp), { maxLength: 4 }),
});
const op = fc.oneof(
  { weight: 4, arbitrary: createOp },
  { weight: 2, arbitrary: deleteOp },
  { weight: 2, arbitrary: setDataOp },
  { weight: 1, arbitrary: setACLOp },
  { weight: 2, arbitrary: multiOp },
  { weight: 1, arbitrary: readOp },
);
type Op = typeof op extends fc.Arbitrary<infer T> ? T : never;

function writeOp(writer: JuteWriter, one: Op): void {
  switch (one.type) {
    case OpCode.create:
      return writeCreateRequest(writer, one);
    case OpCode.delete:
      return writeDeleteRequest(writer, one);
    case OpCode.setData:
      return writeSetDataRequest(writer, one);
    case OpCode.setACL:
      return writeSetACLRequest(writer, one);
    case OpCode.getChildren2:
      return writeReadRequest(writer, one);
    case OpCode.multi:
      return writeMultiRequest(writer, one.ops);
  }
}

/** Sends the requests in groups of these sizes, each group in one piece; the answers without times, and the tree. */
function run(ops: readonly Op[], groupSizes: readonly number[]): unknown {
  const testServer = new TestServer();
  const client = testServer.connect();
  const answers: unknown[] = [];
  let sent = 0;
  for (let i = 0; sent < ops.length; i += 1) {
    const group = ops.slice(sent, sent + (groupSizes[i % groupSizes.length] ?? 1));
    sent += group.length;
    client.link.write(
      Buffer.concat(group.map((one) => client.request(one.type, (w) => writeOp(w, one)))),
    );
    for (const { type } of group) {
      const { xid, err, body } = client.reply();
      answers.push([
        xid,
        err,
        type === OpCode.create && err === 0 ? body.string() : body.remaining,
      ]);
    }
  }
  const { tree } = testServer.server.db;
  expect(tree.digestMismatchCount).toBe(0);
  expect(testServer.server.outstandingChanges.size).toBe(0);
  const nodes = ['/', ...PATHS].map((one) => {
    const found = tree.getNode(one);
    if (found === null) return null;
    const { version: dataVersion, cversion, aversion, czxid, mzxid, pzxid } = found;
    const children = [...found.children].sort();
    return { one, children, dataVersion, cversion, aversion, czxid, mzxid, pzxid };
  });
  return { answers, nodes };
}

test('requests sent together are answered, and leave the tree, as if sent one at a time', () => {
  fc.assert(
    fc.property(
      fc.array(op, { minLength: 5, maxLength: 40 }),
      fc.array(fc.integer({ min: 2, max: 15 }), { minLength: 1, maxLength: 5 }),
      (ops, groupSizes) => {
        expect(run(ops, groupSizes)).toEqual(run(ops, [1]));
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
