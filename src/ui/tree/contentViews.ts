/**
 * A node's bytes in the ways a person may read and write them: text, JSON, hex, and text packed with gzip. Each view reads
 * bytes into what is edited and back, and says in words why it cannot.
 */

export const CONTENT_VIEWS = ['text', 'json', 'hex', 'gzip'] as const;
export type ContentView = (typeof CONTENT_VIEWS)[number];

export type Read =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };

export type Written =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly reason: string };

/** What unpacks to more is not shown: a few kilobytes can unpack to gigabytes. */
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024;
const HEX_BYTES_PER_LINE = 16;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The view that shows most of these bytes: what a person would choose. */
export function viewFor(data: Uint8Array): ContentView {
  if (isGzip(data)) return 'gzip';
  const text = textOf(data);
  if (text === null) return 'hex';
  return /^\s*[[{]/.test(text) && jsonProblem(text) === null ? 'json' : 'text';
}

export async function readContent(view: ContentView, data: Uint8Array): Promise<Read> {
  switch (view) {
    case 'text':
      return asText(data, 'These bytes are no text.');
    case 'json': {
      const text = textOf(data);
      if (text === null) return { ok: false, reason: 'These bytes are no text, so no JSON.' };
      const problem = jsonProblem(text);
      if (problem !== null && text !== '') return { ok: true, text };
      return { ok: true, text: text === '' ? '' : JSON.stringify(JSON.parse(text), null, 2) };
    }
    case 'hex':
      return { ok: true, text: hexOf(data) };
    case 'gzip': {
      if (!isGzip(data)) return { ok: false, reason: 'These bytes are not packed with gzip.' };
      const unpacked = await unpack(data);
      if (typeof unpacked === 'string') return { ok: false, reason: unpacked };
      return asText(unpacked, 'What is packed in it is no text.');
    }
  }
}

/** Why what somebody typed cannot be saved; null if it can. */
export function problemWith(view: ContentView, text: string): string | null {
  if (view === 'json') return text.trim() === '' ? null : jsonProblem(text);
  if (view === 'hex') return bytesOfHex(text) === null ? HEX_PROBLEM : null;
  return null;
}

export async function writeContent(view: ContentView, text: string): Promise<Written> {
  const reason = problemWith(view, text);
  if (reason !== null) return { ok: false, reason };
  switch (view) {
    case 'text':
    case 'json':
      return { ok: true, bytes: encoder.encode(text) };
    case 'hex':
      return { ok: true, bytes: bytesOfHex(text) ?? new Uint8Array() };
    case 'gzip':
      return { ok: true, bytes: await pack(encoder.encode(text)) };
  }
}

/** `de ad be ef`, sixteen to a line. */
export function hexOf(data: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < data.length; at += HEX_BYTES_PER_LINE) {
    const line = [...data.subarray(at, at + HEX_BYTES_PER_LINE)];
    lines.push(line.map((byte) => byte.toString(16).padStart(2, '0')).join(' '));
  }
  return lines.join('\n');
}

const HEX_PROBLEM = 'Hex is pairs of the digits 0-9 and a-f; spaces and line ends are left out.';

function bytesOfHex(text: string): Uint8Array | null {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) return null;
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}

function jsonProblem(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function asText(data: Uint8Array, otherwise: string): Read {
  const text = textOf(data);
  return text === null ? { ok: false, reason: otherwise } : { ok: true, text };
}

/** Null for bytes that are no UTF-8: a case of their own, not an error. */
export function textOf(data: Uint8Array): string | null {
  try {
    return decoder.decode(data);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

const isGzip = (data: Uint8Array): boolean => data[0] === 0x1f && data[1] === 0x8b;

/** The bytes, or why not. */
async function unpack(data: Uint8Array): Promise<Uint8Array | string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  const reader = through(data, new DecompressionStream('gzip')).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return joined(chunks, sizeBytes);
      sizeBytes += value.length;
      if (sizeBytes > MAX_UNPACKED_BYTES) {
        await reader.cancel();
        return 'It unpacks to more than 16 MiB, which is not shown.';
      }
      chunks.push(value);
    }
  } catch (error) {
    // The stream reads nothing but these bytes, so whatever it says is about them.
    const why = error instanceof Error ? error.message : String(error);
    return `It begins like gzip but is damaged: ${why}`;
  }
}

async function pack(data: Uint8Array): Promise<Uint8Array> {
  const packed = new Response(through(data, new CompressionStream('gzip')));
  return new Uint8Array(await packed.arrayBuffer());
}

function through(
  data: Uint8Array,
  transform: CompressionStream | DecompressionStream,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Blob([data.slice()]).stream().pipeThrough(transform);
}

function joined(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const all = new Uint8Array(sizeBytes);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
