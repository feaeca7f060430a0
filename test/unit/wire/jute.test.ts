import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JuteError, JuteReader, JuteWriter, readStrings, toBytes } from '../../../src/wire/jute.ts';
import { decodeUtf8, encodeUtf8 } from '../../../src/wire/utf8.ts';
import { toHex } from './goldenFiles.ts';
import { readRequestHeader } from '../../../src/wire/connectRecords.ts';
import { requestCodecs, responseCodecs } from './recordCodecs.ts';

const text = fc.string({ unit: 'binary', maxLength: 100 });

describe('strings', () => {
  it('of any characters come back as they were', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(decodeUtf8(encodeUtf8(value))).toBe(value);
      }),
    );
  });

  it('are read from standard UTF-8', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(decodeUtf8(new TextEncoder().encode(value))).toBe(value);
      }),
    );
  });

  it('of any bytes that UTF-8 allows or not are read as a decoder reads them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const withoutReplacements = (value: string): string => value.replaceAll('\ufffd', '');
        const standard = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
        const hasSurrogates = bytes.some((byte) => byte === 0xed);
        if (hasSurrogates) decodeUtf8(bytes);
        else expect(withoutReplacements(decodeUtf8(bytes))).toBe(withoutReplacements(standard));
      }),
      { numRuns: 2000 },
    );
  });

  it('write a character beyond the BMP as two surrogates, as Java does', () => {
    expect(toHex(encodeUtf8('\u{1f600}'))).toBe('eda0bdedb880');
  });

  it('longer than one piece are read whole', () => {
    const long = `${'a'.repeat(10_000)}é${'b'.repeat(10_000)}`;
    expect(decodeUtf8(encodeUtf8(long))).toBe(long);
  });
});

describe('JuteWriter and JuteReader', () => {
  it('give back every kind of field', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -0x80000000, max: 0x7fffffff }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.option(text),
        fc.option(fc.uint8Array({ maxLength: 1000 })),
        (int, long, time, bool, string, buffer) => {
          const writer = new JuteWriter(1);
          writer.int(int);
          writer.long(long);
          writer.time(time);
          writer.bool(bool);
          writer.string(string);
          writer.buffer(buffer);
          const reader = new JuteReader(writer.toBytes());
          expect(reader.int()).toBe(int);
          expect(reader.long()).toBe(long);
          expect(reader.time()).toBe(time);
          expect(reader.bool()).toBe(bool);
          expect(reader.string()).toBe(string);
          expect(reader.buffer()).toEqual(buffer);
          expect(reader.remaining).toBe(0);
        },
      ),
    );
  });

  it('write a time as the 64-bit number it is', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (time) => {
        const reader = new JuteReader(toBytes((writer) => writer.time(time)));
        expect(reader.long()).toBe(BigInt(time));
      }),
    );
  });

  it('hands over what was written, which stays as it is while more is written', () => {
    const writer = new JuteWriter(8);
    const taken: Uint8Array[] = [];
    for (let round = 0; round < 50; round++) {
      for (let count = 0; count < round * 100; count++) writer.int(round);
      const mark = writer.length;
      writer.int(0);
      writer.patchInt(mark, round + 1000);
      taken.push(writer.take());
      expect(writer.length).toBe(0);
    }
    writer.long(7n);
    writer.reset();
    writer.int(3);
    expect(writer.toBytes()).toEqual(new Uint8Array([0, 0, 0, 3]));
    taken.forEach((bytes, round) => {
      const reader = new JuteReader(bytes);
      for (let count = 0; count < round * 100; count++) {
        if (reader.int() !== round) throw new Error(`piece ${round} was overwritten`);
      }
      expect([reader.int(), reader.remaining]).toEqual([round + 1000, 0]);
    });
  });

  it('hand out bytes that later writing does not change', () => {
    const writer = new JuteWriter();
    writer.int(1);
    const first = writer.toBytes();
    writer.reset();
    writer.int(2);
    expect([...first]).toEqual([0, 0, 0, 1]);
  });

  it('mend a length afterwards', () => {
    const writer = new JuteWriter();
    writer.int(0);
    writer.string('abc');
    writer.patchInt(0, writer.length - 4);
    expect(new JuteReader(writer.toBytes()).int()).toBe(7);
  });
});

describe('a hostile length', () => {
  const withInt = (value: number): JuteReader =>
    new JuteReader(toBytes((writer) => writer.int(value)));

  it('of a string, buffer or vector is refused before anything is allocated', () => {
    for (const length of [1, 1000, 0x7fffffff]) {
      expect(() => withInt(length).string()).toThrow(JuteError);
      expect(() => withInt(length).buffer()).toThrow(JuteError);
      expect(() => readStrings(withInt(length))).toThrow(JuteError);
    }
  });

  it('that is too large may still be mended by more bytes, a negative one cannot', () => {
    const kindOf = (action: () => unknown): string => {
      try {
        action();
      } catch (error) {
        if (error instanceof JuteError) return error.kind;
      }
      return 'no JuteError';
    };
    expect(kindOf(() => withInt(1).string())).toBe('truncated');
    expect(kindOf(() => withInt(-2).string())).toBe('malformed');
  });

  it('of a vector that is negative stands for none, as ZooKeeper reads it', () => {
    expect(readStrings(withInt(-2))).toEqual([]);
    expect(readStrings(withInt(-0x8000_0000))).toEqual([]);
  });

  it('does not reach beyond the end given to the reader', () => {
    const reader = new JuteReader(Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4), 0, 7);
    expect(() => reader.buffer()).toThrow(JuteError);
  });
});

describe('every request and response record', () => {
  it('reads random bytes or throws JuteError, and nothing else', () => {
    const codecs = [...requestCodecs.values(), ...responseCodecs.values(), readRequestHeader];
    // Small numbers make plausible lengths, so that the fuzzing gets beyond the first field.
    const bytes = fc.array(fc.oneof(fc.constant(0), fc.constant(0), fc.nat(8), fc.nat(255)), {
      maxLength: 120,
    });
    fc.assert(
      fc.property(fc.constantFrom(...codecs), bytes, (read, values) => {
        try {
          read(new JuteReader(Uint8Array.from(values)));
        } catch (error) {
          expect(error).toBeInstanceOf(JuteError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
