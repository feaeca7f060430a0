/**
 * Client requests as plain values that a test can print, shrink and send to any server. Unlike the records of `src/wire`
 * they may hold what no honest client sends: null paths, flags that are none, bytes too few or too many.
 */

import { JuteWriter, toBytes } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';

/** `~` stands for the node below which one script works, so that scripts on one server do not meet. */
export type PathText = string | null;

export interface AclEntry {
  readonly perms: number;
  readonly scheme: string | null;
  readonly id: string | null;
}

export type Acls = readonly AclEntry[] | null;

/** Which zxid a setWatches names: servers count differently, so it is said in words. */
export type SeenZxid = 'none' | 'last' | 'largest';

interface CreateFields {
  readonly path: PathText;
  readonly data: string | null;
  readonly acl: Acls;
  readonly flags: number;
}

export type MultiPart =
  | ({ readonly op: 'create' | 'create2' | 'createContainer' } & CreateFields)
  | ({ readonly op: 'createTTL'; readonly ttl: bigint } & CreateFields)
  | { readonly op: 'delete' | 'check'; readonly path: PathText; readonly version: number }
  | {
      readonly op: 'setData';
      readonly path: PathText;
      readonly data: string | null;
      readonly version: number;
    }
  | { readonly op: 'getData' | 'getChildren'; readonly path: PathText; readonly watch: boolean }
  /** An op that has no business in a multi, with an empty body. */
  | { readonly op: 'stray'; readonly code: number };

export type Operation =
  | MultiPart
  | {
      readonly op: 'exists' | 'getChildren2';
      readonly path: PathText;
      readonly watch: boolean;
    }
  | {
      readonly op: 'getACL' | 'sync' | 'getAllChildrenNumber' | 'getEphemerals' | 'deleteContainer';
      readonly path: PathText;
    }
  | {
      readonly op: 'setACL';
      readonly path: PathText;
      readonly acl: Acls;
      readonly version: number;
    }
  | { readonly op: 'multi' | 'multiRead'; readonly parts: readonly MultiPart[] }
  | {
      readonly op: 'addWatch' | 'removeWatches' | 'checkWatches';
      readonly path: PathText;
      /** Mode or type of the watch. */
      readonly kind: number;
    }
  | {
      readonly op: 'setWatches' | 'setWatches2';
      readonly seen: SeenZxid;
      /** Data, exist, child and (setWatches2) persistent and persistent recursive watches. */
      readonly paths: readonly (readonly PathText[])[];
    }
  | { readonly op: 'auth'; readonly scheme: string | null; readonly auth: string | null }
  | { readonly op: 'reconfig'; readonly joining: string | null; readonly version: bigint }
  | { readonly op: 'sasl'; readonly token: string | null }
  | { readonly op: 'ping' | 'whoAmI' | 'closeSession' | 'createSession' };

/** What a damaged frame looks like. Offsets count from the start of the frame's content, xid and op code included. */
export type Damage =
  | { readonly kind: 'none' }
  /** The content ends after this many bytes, and its length says so. */
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'append'; readonly bytes: Uint8Array }
  /** Four bytes of the body are overwritten. */
  | { readonly kind: 'patch'; readonly at: number; readonly value: number }
  /** The length before the content is another than its own. */
  | { readonly kind: 'length'; readonly value: number };

/** What differs between servers and scripts: where the script works, and what its session has seen. */
export interface Place {
  readonly base: string;
  readonly lastZxid: bigint;
}

/** Xid and op code, which are never patched. */
const HEADER_BYTES = 8;
const LARGEST_ZXID = 2n ** 63n - 1n;

const textBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

const placed = (path: PathText, { base }: Place): PathText =>
  path === null ? null : path.replaceAll('~', base);

/** The code that goes into the header. */
export const codeOf = (operation: Operation): number =>
  operation.op === 'stray' ? operation.code : OpCode[operation.op];

/** A frame as it goes over the wire, its length included. */
export function encodeFrame(
  operation: Operation,
  xid: number,
  damage: Damage,
  place: Place,
): Uint8Array {
  const content = toBytes((writer) => {
    writer.int(xid);
    writer.int(codeOf(operation));
    writeBody(writer, operation, place);
  });
  return framed(damaged(content, damage), damage.kind === 'length' ? damage.value : null);
}

export function framed(content: Uint8Array, claimedLength: number | null = null): Uint8Array {
  const writer = new JuteWriter(content.length + 4);
  writer.int(claimedLength ?? content.length);
  writer.raw(content);
  return writer.toBytes();
}

function damaged(content: Uint8Array, damage: Damage): Uint8Array {
  switch (damage.kind) {
    case 'cut':
      return content.slice(0, damage.at);
    case 'append':
      return Buffer.concat([content, damage.bytes]);
    case 'patch': {
      if (content.length < HEADER_BYTES + 4) return content;
      const patched = content.slice();
      const at = Math.max(HEADER_BYTES, Math.min(damage.at, content.length - 4));
      new DataView(patched.buffer).setInt32(at, damage.value);
      return patched;
    }
    default:
      return content;
  }
}

function writeBody(writer: JuteWriter, operation: Operation, place: Place): void {
  switch (operation.op) {
    case 'multi':
    case 'multiRead':
      for (const part of operation.parts) writePart(writer, part, place);
      writeMultiHeader(writer, -1, true);
      return;
    case 'setACL':
      writeText(writer, placed(operation.path, place));
      writeAcls(writer, operation.acl);
      writer.int(operation.version);
      return;
    case 'exists':
    case 'getChildren2':
      writeText(writer, placed(operation.path, place));
      writer.bool(operation.watch);
      return;
    case 'getACL':
    case 'sync':
    case 'getAllChildrenNumber':
    case 'getEphemerals':
      writeText(writer, placed(operation.path, place));
      return;
    case 'deleteContainer':
      writer.raw(textBytes(placed(operation.path, place) ?? ''));
      return;
    case 'addWatch':
    case 'removeWatches':
    case 'checkWatches':
      writeText(writer, placed(operation.path, place));
      writer.int(operation.kind);
      return;
    case 'setWatches':
    case 'setWatches2':
      writer.long(zxidOf(operation.seen, place));
      for (const paths of operation.paths) {
        writer.int(paths.length);
        for (const path of paths) writeText(writer, placed(path, place));
      }
      return;
    case 'auth':
      writer.int(0);
      writeText(writer, operation.scheme);
      writer.buffer(operation.auth === null ? null : textBytes(operation.auth));
      return;
    case 'reconfig':
      writeText(writer, operation.joining);
      writeText(writer, null);
      writeText(writer, null);
      writer.long(operation.version);
      return;
    case 'sasl':
      writer.buffer(operation.token === null ? null : textBytes(operation.token));
      return;
    case 'createSession':
      writer.int(30_000);
      return;
    case 'ping':
    case 'whoAmI':
    case 'closeSession':
      return;
    default:
      writePartBody(writer, operation, place);
  }
}

/** As clients write it: what is beyond the BMP in four bytes, unlike what servers write. */
const writeText = (writer: JuteWriter, text: string | null): void =>
  writer.buffer(text === null ? null : Uint8Array.from(Buffer.from(text)));

const zxidOf = (seen: SeenZxid, { lastZxid }: Place): bigint =>
  seen === 'none' ? 0n : seen === 'last' ? lastZxid : LARGEST_ZXID;

function writePart(writer: JuteWriter, part: MultiPart, place: Place): void {
  writeMultiHeader(writer, codeOf(part), false);
  writePartBody(writer, part, place);
}

function writeMultiHeader(writer: JuteWriter, code: number, done: boolean): void {
  writer.int(code);
  writer.bool(done);
  writer.int(-1);
}

function writePartBody(writer: JuteWriter, part: MultiPart, place: Place): void {
  if (part.op === 'stray') return;
  writeText(writer, placed(part.path, place));
  switch (part.op) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL':
      writer.buffer(part.data === null ? null : textBytes(part.data));
      writeAcls(writer, part.acl);
      writer.int(part.flags);
      if (part.op === 'createTTL') writer.long(part.ttl);
      return;
    case 'setData':
      writer.buffer(part.data === null ? null : textBytes(part.data));
      writer.int(part.version);
      return;
    case 'delete':
    case 'check':
      writer.int(part.version);
      return;
    case 'getData':
    case 'getChildren':
      writer.bool(part.watch);
  }
}

function writeAcls(writer: JuteWriter, acls: Acls): void {
  if (acls === null) return writer.int(-1);
  writer.int(acls.length);
  for (const { perms, scheme, id } of acls) {
    writer.int(perms);
    writeText(writer, scheme);
    writeText(writer, id);
  }
}
