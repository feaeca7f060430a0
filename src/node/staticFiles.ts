/** Serves the built app: only files that are in its folder, with the right types, and headers that let nothing else in. */

import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** Vite puts a hash of the content into the names in this folder: what was fetched once never changes. */
const HASHED_FOLDER = '/assets/';

const POLICY = [
  "default-src 'self'",
  // The room server, wherever the page was opened from.
  "connect-src 'self' ws: wss:",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  // The last, so that others can be added.
  "frame-ancestors 'self'",
].join('; ');

const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

type Headers = Readonly<Record<string, string>>;

/** Pages of these origins may show the app in a frame, or keep hold of the window they opened it in; nobody else's. */
function headersFor(embedders: readonly string[]): Headers {
  const policy = { 'Content-Security-Policy': [POLICY, ...embedders].join(' ') };
  return embedders.length > 0
    ? { ...HEADERS, ...policy }
    : { ...HEADERS, ...policy, 'Cross-Origin-Opener-Policy': 'same-origin' };
}

export class StaticFiles {
  readonly #root: string;
  readonly #headers: Headers;

  /** `root` is the folder of the built app; `embedders` are origins whose pages may embed or open it. */
  constructor(root: string, embedders: readonly string[] = []) {
    this.#root = root;
    this.#headers = headersFor(embedders);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      this.#answer(response, 405, 'Only GET and HEAD are understood here.', { Allow: 'GET, HEAD' });
      return;
    }
    const path = pathOf(request.url ?? '/');
    const file = path === null ? null : await this.#find(path);
    if (path === null || file === null) {
      this.#answer(response, 404, 'There is nothing here. The app is at /.');
      return;
    }
    response.writeHead(200, {
      ...this.#headers,
      'Content-Type': TYPES[extname(file.path)] ?? 'application/octet-stream',
      'Content-Length': file.sizeBytes,
      'Cache-Control': path.startsWith(HASHED_FOLDER)
        ? 'public, max-age=31536000, immutable'
        : 'no-cache',
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const stream = createReadStream(file.path);
    // The header has gone out, so all that can be said of a read error is an end before the end.
    stream.on('error', () => response.destroy());
    stream.pipe(response);
  }

  #answer(response: ServerResponse, status: number, text: string, headers: Headers = {}): void {
    response.writeHead(status, {
      ...this.#headers,
      ...headers,
      'Content-Type': 'text/plain; charset=utf-8',
    });
    response.end(`${text}\n`);
  }

  /** The file behind a path, if it really is inside the root, links resolved. */
  async #find(path: string): Promise<{ path: string; sizeBytes: number } | null> {
    try {
      const root = await realpath(this.#root);
      const found = await realpath(join(root, fileOf(path)));
      if (!found.startsWith(root + sep)) return null;
      const info = await stat(found);
      return info.isFile() ? { path: found, sizeBytes: info.size } : null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }
}

/** Pages are asked for without their ending, as static hosts have it: `/inspect` is `inspect.html`. */
function fileOf(path: string): string {
  if (path.endsWith('/')) return `${path}index.html`;
  return extname(path) === '' ? `${path}.html` : path;
}

/** The decoded path, or null for what no path of ours looks like. */
function pathOf(url: string): string | null {
  try {
    const path = decodeURIComponent(url.split(/[?#]/, 1)[0] ?? '/');
    const parts = path.split('/');
    const strange = parts.includes('..') || parts.some((part) => part.startsWith('.'));
    return path.startsWith('/') && !strange && !/[\0\\]/.test(path) ? path : null;
  } catch {
    // A percent sign with nothing after it: no such file.
    return null;
  }
}

function isMissing(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return ['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ELOOP'].includes(String(error.code));
}
