/**
 * A transaction's bytes taken apart field by field, each with where it stands, so that a page can show what a byte means.
 * Same layout as `wire/txns.ts`, read for people. Pure.
 */

import { readACLs, type ACL } from '../wire/dataRecords.ts';
import { KeeperError } from '../wire/errorCodes.ts';
import { zxid, zxidToString } from '../wire/ids.ts';
import { JuteError, JuteReader } from '../wire/jute.ts';
import { OpCode, opName } from '../wire/opCodes.ts';
import { decodeUtf8 } from '../wire/utf8.ts';
import { aclText } from './aclText.ts';

export interface TxnField {
  readonly name: string;
  readonly text: string;
  /** In the payload; `end` is the first byte after it. */
  readonly start: number;
  readonly end: number;
  /** How deep in a multi; 0 for the rest. */
  readonly depth: number;
}

const DATA_SHOWN_CHARACTERS = 200;
/** What stands for bytes that are no UTF-8. */
const NO_TEXT = '\ufffd';
const DIGEST_BYTES = 12;
const SUB_TXN_HEAD_BYTES = 8;
const ERROR_BYTES = 4;

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;

/** Fields in the order of their bytes. What cannot be read is a last field named `unreadable`. */
export function txnFields(payload: Uint8Array): readonly TxnField[] {
  const reader = new FieldReader(payload, 0, payload.length, 0);
  try {
    reader.field('session', (jute) => hex(jute.long()));
    reader.field('cxid', (jute) => hex(BigInt(jute.int() >>> 0)));
    reader.field('zxid', (jute) => zxidToString(zxid(jute.long())));
    reader.field('time', (jute) => new Date(jute.time()).toISOString());
    const type = reader.number('type', opName);
    readBody(reader, type);
    if (reader.remaining === DIGEST_BYTES) {
      reader.field('digest version', (jute) => String(jute.int()));
      reader.field('tree digest', (jute) => hex(jute.long()));
    }
  } catch (error) {
    if (!(error instanceof JuteError)) throw error;
    reader.unreadable(error.message);
  }
  return reader.fields;
}

class FieldReader {
  readonly fields: TxnField[] = [];
  readonly #bytes: Uint8Array;
  readonly #jute: JuteReader;
  readonly #depth: number;

  constructor(bytes: Uint8Array, start: number, end: number, depth: number) {
    this.#bytes = bytes;
    this.#jute = new JuteReader(bytes, start, end);
    this.#depth = depth;
  }

  get remaining(): number {
    return this.#jute.remaining;
  }

  get offset(): number {
    return this.#jute.offset;
  }

  peekInt(): number {
    return this.#jute.peekInt();
  }

  field(name: string, read: (jute: JuteReader) => string): void {
    const start = this.#jute.offset;
    const text = read(this.#jute);
    this.fields.push({ name, text, start, end: this.#jute.offset, depth: this.#depth });
  }

  /** An int that decides what follows. */
  number(name: string, text: (value: number) => string = String): number {
    let value = 0;
    this.field(name, (jute) => {
      value = jute.int();
      return text(value);
    });
    return value;
  }

  /** The next `lengthBytes` as a transaction of their own. */
  nested(type: number, lengthBytes: number): void {
    const start = this.#jute.offset;
    const inner = new FieldReader(this.#bytes, start, start + lengthBytes, this.#depth + 1);
    this.#jute.raw(lengthBytes);
    try {
      if (type !== OpCode.error || lengthBytes === ERROR_BYTES) readBody(inner, type);
      inner.leftOver('what the operation would have done');
    } finally {
      this.fields.push(...inner.fields);
    }
  }

  /** ZooKeeper turns the operations before the one that failed into errors, and leaves their bytes standing. */
  leftOver(name: string): void {
    const lengthBytes = this.#jute.remaining;
    if (lengthBytes > 0) this.field(name, (jute) => `${jute.raw(lengthBytes).length} bytes`);
  }

  unreadable(reason: string): void {
    const start = this.#jute.offset;
    const end = this.#bytes.length;
    this.fields.push({ name: 'unreadable', text: reason, start, end, depth: this.#depth });
  }
}

function readBody(reader: FieldReader, type: number): void {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
      readNewNode(reader);
      reader.field('ephemeral', (jute) => (jute.bool() ? 'yes' : 'no'));
      if (reader.remaining >= 4) reader.number('parentCVersion');
      return;
    case OpCode.createContainer:
    case OpCode.createTTL:
      readNewNode(reader);
      reader.number('parentCVersion');
      if (type === OpCode.createTTL) reader.field('ttl', (jute) => `${jute.long()} ms`);
      return;
    case OpCode.delete:
    case OpCode.deleteContainer:
      return readPath(reader);
    case OpCode.setData:
    case OpCode.reconfig:
      readPath(reader);
      reader.field('data', (jute) => dataText(jute.buffer()));
      reader.number('version');
      return;
    case OpCode.setACL:
      readPath(reader);
      reader.field('acl', (jute) => aclsText(readACLs(jute)));
      reader.number('version');
      return;
    case OpCode.check:
      readPath(reader);
      reader.number('version');
      return;
    case OpCode.createSession:
      reader.number('timeout', (value) => `${value} ms`);
      return;
    case OpCode.closeSession:
      return readClosedPaths(reader);
    case OpCode.error:
      reader.number('error', (value) => new KeeperError(value).message);
      return;
    case OpCode.multi:
      return readMulti(reader);
    default:
      return reader.unreadable(`nothing is known of transactions of type ${type}`);
  }
}

function readPath(reader: FieldReader): void {
  reader.field('path', (jute) => jute.requiredString());
}

function readNewNode(reader: FieldReader): void {
  readPath(reader);
  reader.field('data', (jute) => dataText(jute.buffer()));
  reader.field('acl', (jute) => aclsText(readACLs(jute)));
}

/** Before 3.6 there was no body: then only the digest is left, which begins with its version, 2. */
function readClosedPaths(reader: FieldReader): void {
  if (reader.remaining === 0) return;
  if (reader.remaining === DIGEST_BYTES && reader.peekInt() === 2) return;
  const count = reader.number('ephemerals');
  for (let index = 0; index < count; index++) readPath(reader);
}

function readMulti(reader: FieldReader): void {
  const count = reader.number('operations');
  for (let index = 0; index < count && reader.remaining >= SUB_TXN_HEAD_BYTES; index++) {
    const type = reader.number('type', opName);
    const lengthBytes = reader.number('length', (value) => `${value} bytes`);
    reader.nested(type, Math.max(0, lengthBytes));
  }
}

const aclsText = (acls: readonly ACL[] | null): string => (acls ?? []).map(aclText).join(', ');

function dataText(data: Uint8Array | null): string {
  if (data === null) return 'null';
  if (data.length === 0) return 'empty';
  const text = decodeUtf8(data);
  if (text.includes(NO_TEXT)) return `${data.length} bytes that are no text`;
  return text.length > DATA_SHOWN_CHARACTERS ? `${text.slice(0, DATA_SHOWN_CHARACTERS)} …` : text;
}
