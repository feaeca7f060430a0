import { describe, expect, it } from 'vitest';
import {
  readConnectRequest,
  readConnectResponse,
  readReplyHeader,
  readRequestHeader,
  writeConnectRequest,
  writeConnectResponse,
  writeReplyHeader,
  writeRequestHeader,
} from '../../../src/wire/connectRecords.ts';
import { JuteError, JuteReader, toBytes } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { fromHex, goldenFiles, plain, toHex } from './goldenFiles.ts';
import { type Recode, eventCodec, requestCodecs, responseCodecs } from './recordCodecs.ts';

interface Frame {
  readonly label?: string;
  readonly hex: string;
  readonly decoded: Decoded;
}

interface Decoded {
  readonly kind: 'connectRequest' | 'connectResponse' | 'request' | 'reply' | 'event';
  readonly op?: string;
  readonly header?: unknown;
  readonly body?: { readonly undecodable?: string; readonly path?: string | null };
  readonly trailing?: string;
}

type Part = { readonly entries?: readonly Partial<Frame>[]; readonly frames?: Part['entries'] };
type Capture = Part & { readonly cases?: readonly Part[]; readonly connections?: readonly Part[] };

const isFrame = (entry: Partial<Frame>): entry is Frame =>
  entry.hex !== undefined && entry.decoded !== undefined;

function frames(content: unknown): Frame[] {
  const capture = content as Capture;
  const parts = [capture, ...(capture.cases ?? []), ...(capture.connections ?? [])];
  return parts.flatMap((part) => [...(part.entries ?? []), ...(part.frames ?? [])]).filter(isFrame);
}

/** A multi's parts are spelled with a header before each; the type says the same. */
function withoutMultiHeaders(body: unknown): unknown {
  const { ops, results } = body as { ops?: MultiPart[]; results?: MultiPart[] };
  if (ops) return { ops: ops.map(withoutHeader) };
  if (results) return { results: results.map(withoutHeader) };
  return body;
}
interface MultiPart {
  readonly header: { readonly type: number; readonly done: boolean };
  readonly request?: unknown;
  readonly response?: unknown;
  readonly error?: unknown;
}
const withoutHeader = (part: MultiPart): unknown =>
  part.header.done
    ? { header: part.header }
    : part.request === undefined
      ? { type: part.header.type, response: part.response ?? part.error ?? {} }
      : { type: part.header.type, request: part.request };

function recodeBody(recode: Recode | undefined, reader: JuteReader, frame: Frame): Uint8Array {
  const { body, trailing } = frame.decoded;
  if (body === undefined || recode === undefined) {
    expect(body, 'a body that nothing here can read').toBeUndefined();
    return reader.raw(reader.remaining);
  }
  const record = recode(reader);
  expect(plain(record.value)).toEqual(plain(withoutMultiHeaders(body)));
  expect(toHex(reader.raw(reader.remaining))).toBe(trailing ?? '');
  return fromHex(toHex(toBytes(record.write)) + (trailing ?? ''));
}

const concat = (...parts: Uint8Array[]): Uint8Array => fromHex(parts.map(toHex).join(''));

/** Decodes a frame, compares it with how the capture spells it, and encodes it again. */
function recodeFrame(frame: Frame, bytes: Uint8Array): Uint8Array {
  const reader = new JuteReader(bytes);
  const { kind, header, body } = frame.decoded;
  switch (kind) {
    case 'connectRequest': {
      const { readOnly, ...request } = readConnectRequest(reader);
      expect(plain({ ...request, ...(readOnly === null ? {} : { readOnly }) })).toEqual(
        plain(body),
      );
      return toBytes((writer) => writeConnectRequest(writer, { ...request, readOnly }));
    }
    case 'connectResponse': {
      const { readOnly, ...response } = readConnectResponse(reader);
      expect(plain({ ...response, ...(readOnly === null ? {} : { readOnly }) })).toEqual(
        plain(body),
      );
      return toBytes((writer) => writeConnectResponse(writer, { ...response, readOnly }));
    }
    case 'request': {
      const head = readRequestHeader(reader);
      expect(plain(head)).toEqual(plain(header));
      const rest = recodeBody(requestCodecs.get(head.type), reader, frame);
      return concat(
        toBytes((writer) => writeRequestHeader(writer, head)),
        rest,
      );
    }
    case 'event':
    case 'reply': {
      const head = readReplyHeader(reader);
      expect(plain(head)).toEqual(plain(header));
      const op = OpCode[(frame.decoded.op ?? 'notification') as keyof typeof OpCode];
      const recode = kind === 'event' ? eventCodec : responseCodecs.get(op);
      const rest = recodeBody(recode, reader, frame);
      return concat(
        toBytes((writer) => writeReplyHeader(writer, head)),
        rest,
      );
    }
  }
}

/** ZooKeeper answered these with a marshalling error. */
const isBad = ({ decoded: { body } }: Frame): boolean =>
  body?.undecodable !== undefined || body?.path === null;

/** The recording client wrote a character beyond the BMP in 4 bytes; ZooKeeper itself, and we, write two surrogates. */
const FOUR_BYTE_CHARACTER = 'f09f';

/** SASL is not spoken here. */
const isSasl = (frame: Frame): boolean => frame.decoded.op === 'sasl';

describe('frames of the client port, captured from ZooKeeper', () => {
  for (const file of goldenFiles('client')) {
    const all = frames(file.content).filter((frame) => !isSasl(frame));

    it(`${file.name}: are understood and encoded back to the same bytes`, () => {
      const good = all.filter((frame) => !isBad(frame));
      expect(good.length).toBeGreaterThan(0);
      for (const frame of good) {
        const bytes = fromHex(frame.hex);
        const recoded = recodeFrame(frame, bytes.subarray(4));
        if (!frame.hex.includes(FOUR_BYTE_CHARACTER)) {
          expect(toHex(recoded), frame.label).toBe(frame.hex.slice(8));
        }
      }
    });

    const bad = all.filter(isBad);
    if (bad.length > 0) {
      it(`${file.name}: bodies that ZooKeeper could not read are refused`, () => {
        for (const frame of bad) {
          const reader = new JuteReader(fromHex(frame.hex), 4);
          const recode = requestCodecs.get(readRequestHeader(reader).type);
          expect(() => recode?.(reader), frame.label).toThrow(JuteError);
        }
      });
    }
  }
});

describe('among the frames that every clone has', () => {
  const [selection] = goldenFiles('client');
  const withBody = frames(selection?.content).filter(({ decoded }) => decoded.body !== undefined);
  const opsOf = (kind: Decoded['kind']): ReadonlySet<number | undefined> =>
    new Set(
      withBody
        .filter(({ decoded }) => decoded.kind === kind)
        .map(({ decoded: { op } }) => OpCode[op as keyof typeof OpCode]),
    );

  it.each([
    ['request', requestCodecs],
    ['reply', responseCodecs],
  ] as const)('is the %s of every operation that has a record', (kind, codecs) => {
    const captured = opsOf(kind);
    expect([...codecs.keys()].filter((op) => !captured.has(op))).toEqual([]);
  });

  it('are an event and both halves of connecting', () => {
    const kinds = new Set(withBody.map(({ decoded }) => decoded.kind));
    expect(kinds).toEqual(
      new Set(['connectRequest', 'connectResponse', 'request', 'reply', 'event']),
    );
  });
});
