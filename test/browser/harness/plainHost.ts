/** A web server of somebody who has nothing to do with Tabkeeper: files of this build, and no header that guards them. */

import { createReadStream, existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export class PlainHost {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** `folders`: what is at which path, such as `{ '/': 'dist/acceptance' }`; the longest path that fits counts. */
  static async start(folders: Readonly<Record<string, string>>): Promise<PlainHost> {
    const server = createServer(({ url = '/' }, response) => {
      const path = normalize(new URL(url, 'http://here').pathname);
      const [base = '/'] = Object.keys(folders)
        .filter((one) => path.startsWith(one))
        .sort((a, b) => b.length - a.length);
      const name = path.endsWith('/') ? `${path}index.html` : path;
      const file = join(folders[base] ?? '.', name.slice(base.length));
      if (!existsSync(file)) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'text/plain' });
      createReadStream(file).pipe(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new PlainHost(server);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}
