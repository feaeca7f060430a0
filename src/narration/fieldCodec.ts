/**
 * Fields of probe events as JSON and back, every value checked on the way in: it may come from a stranger's page or
 * file. Pure.
 */

import {
  type Epoch,
  type SessionId,
  type Sid,
  type Zxid,
  epoch,
  sessionId,
  sid,
  zxid,
} from '../wire/ids.ts';

/** What cannot be a probe event. */
export class BadEvent extends Error {
  override readonly name = 'BadEvent';
}

export interface Field<Value> {
  /** @throws BadEvent for what is too large to be told. */
  write(value: Value): unknown;
  /** @throws BadEvent */
  read(json: unknown): Value;
}

const MAX_TEXT_LENGTH = 2_000;
const MAX_LIST_COUNT = 512;
/** So much of a packet's payload leaves its server: a transaction's header, its path and the first of its data. */
const MAX_DATA_BYTES = 256;

function bad(what: string): never {
  throw new BadEvent(what);
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const text: Field<string> = {
  write: (value) => value.slice(0, MAX_TEXT_LENGTH),
  read: (json) =>
    typeof json === 'string' && json.length <= MAX_TEXT_LENGTH ? json : bad('no text'),
};

export const flag: Field<boolean> = {
  write: (value) => value,
  read: (json) => (typeof json === 'boolean' ? json : bad('neither true nor false')),
};

export const number: Field<number> = {
  write: (value) => value,
  read: (json) =>
    typeof json === 'number' && Number.isFinite(json) ? json : bad('not a finite number'),
};

export const whole: Field<number> = {
  write: (value) => value,
  read: (json) =>
    typeof json === 'number' && Number.isSafeInteger(json) ? json : bad('not a whole number'),
};

const HEX = /^0x[0-9a-f]{1,16}$/;
const LARGEST = (1n << 64n) - 1n;

/** Any 64 bits, signed or not, as the server's own number was. */
export const integer: Field<bigint> = {
  write: (value) => String(value),
  read: (json) => {
    if (typeof json !== 'string' || !/^-?[0-9]{1,20}$/.test(json)) bad('not a whole number');
    const value = BigInt(json);
    return value <= LARGEST && value >= -(1n << 63n) ? value : bad('more than 64 bits');
  },
};

/** As ZooKeeper prints zxids and sessions; signed as on the wire. */
function hexField<Value extends bigint>(make: (value: bigint) => Value): Field<Value> {
  return {
    write: (value) => `0x${BigInt.asUintN(64, value).toString(16)}`,
    read: (json) =>
      typeof json === 'string' && HEX.test(json)
        ? make(BigInt.asIntN(64, BigInt(json)))
        : bad('not a number in hex'),
  };
}

export const zxidField: Field<Zxid> = hexField(zxid);
export const sessionField: Field<SessionId> = hexField(sessionId);

/** Small for servers there are, but a vote for nobody has the least number there is. */
export const sidField: Field<Sid> = {
  write: (value) => integer.write(value),
  read: (json) => sid(BigInt.asIntN(64, integer.read(json))),
};

export const epochField: Field<Epoch> = {
  write: (value) => integer.write(value),
  read: (json) => epoch(integer.read(json)),
};

export function oneOf<const Value extends string>(...values: readonly Value[]): Field<Value> {
  return {
    write: (value) => value,
    read: (json) => values.find((value) => value === json) ?? bad('not one of the words it can be'),
  };
}

export function listOf<Value>(field: Field<Value>): Field<readonly Value[]> {
  return {
    write: (values) =>
      values.length <= MAX_LIST_COUNT
        ? values.map((value) => field.write(value))
        : bad(`${values.length} entries`),
    read: (json) =>
      Array.isArray(json) && json.length <= MAX_LIST_COUNT
        ? json.map((value) => field.read(value))
        : bad('no list'),
  };
}

export function nullable<Value>(field: Field<Value>): Field<Value | null> {
  return {
    write: (value) => (value === null ? null : field.write(value)),
    read: (json) => (json === null ? null : field.read(json)),
  };
}

/** A field that may be left out. */
export function maybe<Value>(field: Field<Value>): Field<Value | undefined> {
  return {
    write: (value) => (value === undefined ? undefined : field.write(value)),
    read: (json) => (json === undefined ? undefined : field.read(json)),
  };
}

export const bytes: Field<Uint8Array> = {
  write: (value) =>
    Array.from(value.subarray(0, MAX_DATA_BYTES), (byte) =>
      byte.toString(16).padStart(2, '0'),
    ).join(''),
  read: (json) => {
    if (typeof json !== 'string' || json.length > 2 * MAX_DATA_BYTES) bad('too many bytes');
    if (json.length % 2 !== 0 || !/^[0-9a-f]*$/.test(json)) bad('no bytes in hex');
    return Uint8Array.from({ length: json.length / 2 }, (_, at) =>
      Number.parseInt(json.slice(2 * at, 2 * at + 2), 16),
    );
  },
};

/** One field for each of the object's own. */
export type Fields<Shape> = {
  readonly [Name in keyof Shape]-?: Field<Shape[Name]>;
};

/** Listed once: there are thousands of records a second. */
type FieldList = readonly (readonly [string, Field<unknown>])[];

function writeFields(fields: FieldList, value: object): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [name, field] of fields) {
    const written = field.write((value as Record<string, unknown>)[name]);
    if (written !== undefined) json[name] = written;
  }
  return json;
}

/** Exactly these fields and no others, so that nothing rides along unchecked. */
function readFields(fields: FieldList, json: Record<string, unknown>): object {
  const value: Record<string, unknown> = {};
  for (const [name, field] of fields) {
    const read = field.read(json[name]);
    if (read !== undefined) value[name] = read;
  }
  return value;
}

const listed = (fields: Fields<object>): FieldList =>
  Object.entries(fields as Record<string, Field<unknown>>);

export function shape<Shape extends object>(fields: Fields<Shape>): Field<Shape> {
  const untyped = listed(fields);
  return {
    write: (value) => writeFields(untyped, value),
    read: (json) => (isObject(json) ? (readFields(untyped, json) as Shape) : bad('no object')),
  };
}

/** A union told apart by one of its words: a row of fields for each. */
export function variants<Tag extends string, Shape extends Readonly<Record<Tag, string>>>(
  tag: Tag,
  rows: {
    readonly [Word in Shape[Tag]]: Fields<Omit<Variant<Shape, Tag, Word>, Tag>>;
  },
): Field<Shape> {
  const table = new Map<unknown, FieldList>(
    Object.entries<Fields<object>>(rows).map(([word, fields]) => [word, listed(fields)]),
  );
  const rowOf = (word: unknown): FieldList => table.get(word) ?? bad('of no kind there is');
  return {
    write: (value) => ({ [tag]: value[tag], ...writeFields(rowOf(value[tag]), value) }),
    read: (json) =>
      isObject(json)
        ? ({ [tag]: json[tag], ...readFields(rowOf(json[tag]), json) } as Shape)
        : bad('no object'),
  };
}

/** Those members of a union that can have this word. */
type Variant<Shape, Tag extends keyof Shape, Word> = Shape extends unknown
  ? Word extends Shape[Tag]
    ? Shape
    : never
  : never;
