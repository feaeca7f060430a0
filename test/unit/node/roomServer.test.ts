import { X509Certificate } from 'node:crypto';
import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { RoomServer } from '../../../src/node/roomServer.ts';
import { startRoomServer } from '../../../src/node/roomServer.ts';
import { selfSignedCertificate } from '../../../src/node/selfSignedCertificate.ts';
import { DEFAULT_RELAY_LIMITS } from '../../../src/node/signallingRelay.ts';

/** For machines that have much else to do. */
const WITHIN = { timeout: 20_000 };
vi.setConfig({ testTimeout: 60_000 });

const LIMITS = { ...DEFAULT_RELAY_LIMITS, maxConnectionsPerRoom: 5, messageBurstCount: 50 };

let folder: string;
const running: RoomServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabkeeper-'));
  await mkdir(join(folder, 'app/assets'), { recursive: true });
  await writeFile(join(folder, 'app/index.html'), '<!doctype html>the app');
  await writeFile(join(folder, 'app/assets/a-1234.js'), 'export {}');
  await writeFile(join(folder, 'secret.txt'), 'not for you');
  await symlink(join(folder, 'secret.txt'), join(folder, 'app/leak.txt'));
});

afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
  await rm(folder, { recursive: true });
});

async function start(options: Partial<Parameters<typeof startRoomServer>[0]> = {}) {
  const server = await startRoomServer({
    appFolder: join(folder, 'app'),
    host: '127.0.0.1',
    port: 0,
    nextIfTaken: false,
    certificate: null,
    ...options,
  });
  running.push(server);
  return server;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Sends the path as it stands, without the tidying that `fetch` does. */
function get(port: number, path: string, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    })
      .on('error', reject)
      .end();
  });
}

describe('the files of the app', () => {
  it('come with their types, and only hashed ones may be kept', async () => {
    const { port } = await start();
    const page = await get(port, '/?x=1');
    expect(page).toMatchObject({ status: 200, text: '<!doctype html>the app' });
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    });
    expect(page.headers['content-security-policy']).toContain("object-src 'none'");
    const script = await get(port, '/assets/a-1234.js');
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(script.headers['cache-control']).toContain('immutable');
  });

  it('are embedded and opened by nobody from elsewhere who is not named', async () => {
    const policyOf = ({ headers }: Answer) => String(headers['content-security-policy']);
    const usual = await get((await start()).port, '/');
    expect(policyOf(usual)).toMatch(/frame-ancestors 'self'$/);
    expect(usual.headers['cross-origin-opener-policy']).toBe('same-origin');
    const embedders = ['https://app.example', 'http://127.0.0.1:3000'];
    const open = await get((await start({ embedders })).port, '/');
    expect(policyOf(open)).toMatch(
      /frame-ancestors 'self' https:\/\/app.example http:\/\/127.0.0.1:3000$/,
    );
    expect(open.headers['cross-origin-opener-policy']).toBeUndefined();
  });

  it('are all there is: no path leads out of their folder', async () => {
    const { port } = await start();
    const paths = [
      '/../secret.txt',
      '/assets/../../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/assets/..%5c..%5csecret.txt',
      '/leak.txt',
      '//etc/passwd',
      '/%00',
      '/%',
      '/assets',
      '/.git/config',
    ];
    for (const path of paths) {
      const answer = await get(port, path);
      expect({ path, status: answer.status }).toEqual({ path, status: 404 });
      expect(answer.text).not.toContain('not for you');
    }
  });

  it('are only read', async () => {
    const { port } = await start();
    expect((await get(port, '/', 'POST')).status).toBe(405);
    expect(await get(port, '/', 'HEAD')).toMatchObject({ status: 200, text: '' });
  });
});

describe('the port', () => {
  it('is the next free one when it is taken, if that is allowed', async () => {
    const first = await start();
    const second = await start({ port: first.port, nextIfTaken: true });
    expect(second.port).toBeGreaterThan(first.port);
    await expect(start({ port: first.port })).rejects.toThrow(`Port ${first.port} is taken`);
  });
});

class Tab {
  readonly socket: WebSocket;
  readonly heard: (string | Buffer)[] = [];
  closeCode: number | null = null;

  constructor(port: number, path: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    this.socket.on('message', (data, isBinary) => {
      if (Buffer.isBuffer(data)) this.heard.push(isBinary ? data : data.toString());
    });
    this.socket.on('close', (code) => (this.closeCode = code));
    this.socket.on('error', () => {});
  }

  get bytes(): Buffer[] {
    return this.heard.filter((one): one is Buffer => typeof one !== 'string');
  }
}

const ROOM = `/signal/${'0123456789abcdef'.repeat(2)}`;
const OTHER_ROOM = `/signal/${'f'.repeat(32)}`;

describe('the signalling relay', () => {
  async function tab(port: number, path = ROOM): Promise<Tab> {
    const made = new Tab(port, path);
    await expect.poll(() => made.heard.length, WITHIN).toBe(1);
    return made;
  }

  it('gives what one tab sends to the others of its room, and says from which connection', async () => {
    const { port } = await start();
    const one = await tab(port);
    const two = await tab(port);
    const three = await tab(port);
    const stranger = await tab(port, OTHER_ROOM);
    expect([one, two, three, stranger].map(({ heard }) => heard[0])).toEqual([
      'welcome 0',
      'welcome 1',
      'welcome 2',
      'welcome 0',
    ]);
    one.socket.send(Buffer.from('sealed'));
    two.socket.send(Buffer.from('more'));
    await expect.poll(() => three.bytes.length, WITHIN).toBe(2);
    const said = three.bytes.map((bytes) => bytes.subarray(4).toString()).sort();
    expect(said).toEqual(['more', 'sealed']);
    expect(new Set(three.bytes.map((bytes) => bytes.readUInt32BE(0))).size).toBe(2);
    await expect.poll(() => one.bytes.length, WITHIN).toBe(1);
    expect(stranger.bytes).toEqual([]);
  });

  it('says who left', async () => {
    const { port } = await start();
    const one = await tab(port);
    const two = await tab(port);
    two.socket.send(Buffer.from('x'));
    await expect.poll(() => one.bytes.length, WITHIN).toBe(1);
    const connection = one.bytes[0]?.readUInt32BE(0);
    two.socket.close();
    await expect.poll(() => one.heard.at(-1), WITHIN).toBe(`left ${connection}`);
  });

  it('ends a connection that sends too much at once, and nobody else', async () => {
    const { port } = await start({ relayLimits: { ...LIMITS, messagesPerSecond: 0 } });
    const one = await tab(port);
    const two = await tab(port);
    one.socket.send(Buffer.alloc(LIMITS.maxMessageBytes + 1));
    await expect.poll(() => one.closeCode, WITHIN).toBe(1009);
    const three = await tab(port);
    for (let count = 0; count <= LIMITS.messageBurstCount; count++) {
      three.socket.send(Buffer.from('x'));
    }
    await expect.poll(() => three.closeCode, WITHIN).toBe(1008);
    expect(two.closeCode).toBeNull();
  });

  it('has room for so many in a room and no more', async () => {
    const { port } = await start({ relayLimits: LIMITS });
    const tabs = [];
    for (let count = 0; count < LIMITS.maxConnectionsPerRoom; count++) {
      tabs.push(await tab(port));
    }
    const late = new Tab(port, ROOM);
    await expect.poll(() => late.closeCode, WITHIN).toBe(1013);
  });

  it('is for pages of its own origin and for rooms only', async () => {
    const { port } = await start();
    const other = new Tab(port, ROOM, { Origin: 'https://elsewhere.example' });
    const path = new Tab(port, '/signal/../../x');
    await expect.poll(() => other.closeCode, WITHIN).toBe(1006);
    await expect.poll(() => path.closeCode, WITHIN).toBe(1006);
    const own = new Tab(port, ROOM, { Origin: `http://127.0.0.1:${port}` });
    await expect.poll(() => own.heard[0], WITHIN).toBe('welcome 0');
  });
});

describe('https', () => {
  it('is served with a certificate made on the spot, for the names it was made for', async () => {
    const certificate = selfSignedCertificate(['localhost', '127.0.0.1'], Date.now());
    const parsed = new X509Certificate(certificate.cert);
    expect(parsed.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.ca).toBe(false);
    const { port } = await start({ certificate });
    const status = await new Promise((resolve, reject) => {
      secureRequest({ host: '127.0.0.1', port, path: '/', ca: certificate.cert }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
  });
});
