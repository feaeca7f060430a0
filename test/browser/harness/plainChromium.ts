/**
 * Chromium as a person has it. Playwright tells every page that it is in front and switches off what a browser does to
 * tabs in the background; here tabs are really hidden, throttled and frozen. It speaks the DevTools protocol itself.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';

const POLL_MS = 50;
const START_WAIT_MS = 60_000;
/** Longer than any election takes on a busy machine, a silent leader's among them. */
const PATIENCE_MS = 60_000;
/** What DevTools says of a page that is just being left for another. */
const ON_ITS_WAY =
  /navigated or closed|context was destroyed|Cannot find (default )?(execution )?context/;

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

const BROWSER_GONE: Reply = { error: { message: 'the browser is gone' } };

/** One DevTools connection; sessions of single tabs share it. */
export class DevTools {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #nextId = 1;
  #ended = false;

  static async connect(url: string): Promise<DevTools> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return new DevTools(socket);
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const reply = JSON.parse(data.toString()) as Reply;
      if (reply.id === undefined) return;
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
    socket.once('close', () => this.#end());
  }

  send<Result>(method: string, params: object, sessionId?: string): Promise<Result> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const answered = ({ result, error }: Reply): void => {
        if (error === undefined) resolve(result as Result);
        else reject(new Error(`${method}: ${error.message}`));
      };
      if (this.#ended) return answered(BROWSER_GONE);
      this.#waiting.set(id, answered);
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }

  /** Nobody answers any more. */
  #end(): void {
    this.#ended = true;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const answered of waiting) answered(BROWSER_GONE);
  }

  /** A tab that is open already. */
  async attach(targetId: string): Promise<PlainTab> {
    const { sessionId } = await this.send<{ sessionId: string }>('Target.attachToTarget', {
      targetId,
      flatten: true,
    });
    return new PlainTab((method, params) => this.send(method, params, sessionId));
  }
}

/** A browser of its own on that profile, and where its DevTools listen; `args` besides those that make it headless. */
export async function startChromium(
  executable: string,
  profile: string,
  args: readonly string[],
): Promise<{ process: ChildProcess; endpoint: string }> {
  const child = spawn(
    executable,
    [
      '--headless=new',
      '--remote-debugging-port=0',
      '--no-first-run',
      '--disable-dev-shm-usage',
      `--user-data-dir=${profile}`,
      ...args,
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  return { process: child, endpoint: await endpointOf(child) };
}

export class PlainChromium {
  readonly tabs: PlainTab[] = [];
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #devTools: DevTools;

  /** `args` besides those that make it headless. */
  static async launch(executable: string, args: readonly string[]): Promise<PlainChromium> {
    const profile = await mkdtemp(join(tmpdir(), 'tabkeeper-plain-'));
    const { process: child, endpoint } = await startChromium(executable, profile, args);
    const devTools = await DevTools.connect(endpoint);
    return new PlainChromium(child, profile, devTools);
  }

  private constructor(child: ChildProcess, profile: string, devTools: DevTools) {
    this.#process = child;
    this.#profile = profile;
    this.#devTools = devTools;
  }

  /** A new tab in front; the one that was there is hidden from now on. */
  async open(url: string): Promise<PlainTab> {
    const origin = new URL(url).origin;
    await this.#devTools.send('Browser.grantPermissions', {
      origin,
      permissions: ['audioCapture'],
    });
    const { targetId } = await this.#devTools.send<{ targetId: string }>('Target.createTarget', {
      url,
    });
    const tab = await this.#devTools.attach(targetId);
    this.tabs.push(tab);
    return tab;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    await this.#devTools.send('Browser.close', {});
    await ended;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class PlainTab {
  readonly #send: <Result>(method: string, params: object) => Promise<Result>;

  constructor(send: <Result>(method: string, params: object) => Promise<Result>) {
    this.#send = send;
  }

  /** `inPage` knows nothing of what is around it but its argument, a plain value. */
  evaluate<Result>(inPage: () => Result): Promise<Awaited<Result>>;
  evaluate<Argument, Result>(
    inPage: (argument: Argument) => Result,
    argument: Argument,
  ): Promise<Awaited<Result>>;
  async evaluate<Result>(
    inPage: (argument?: unknown) => Result,
    argument?: unknown,
  ): Promise<Awaited<Result>> {
    const { result, exceptionDetails } = await this.#send<{
      result: { value: Awaited<Result> };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    }>('Runtime.evaluate', {
      expression: `(${String(inPage)})(${JSON.stringify(argument) ?? ''})`,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  async until<Argument>(
    what: string,
    condition: (argument: Argument) => boolean,
    argument: Argument,
  ): Promise<void> {
    const lateMs = performance.now() + PATIENCE_MS;
    while (!(await this.#holds(condition, argument))) {
      if (performance.now() > lateMs) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** A page on its way to another has nothing in it yet for which anything could hold. */
  async #holds<Argument>(
    condition: (argument: Argument) => boolean,
    argument: Argument,
  ): Promise<boolean> {
    try {
      return await this.evaluate(condition, argument);
    } catch (error) {
      if (error instanceof Error && ON_ITS_WAY.test(error.message)) return false;
      throw error;
    }
  }

  front(): Promise<void> {
    return this.#send('Page.bringToFront', {});
  }

  /** As a browser does with a hidden tab to spare the battery: nothing runs in it any more. */
  freeze(): Promise<void> {
    return this.#send('Page.setWebLifecycleState', { state: 'frozen' });
  }

  thaw(): Promise<void> {
    return this.#send('Page.setWebLifecycleState', { state: 'active' });
  }
}

function endpointOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(
      () => reject(new Error(`Chromium did not start: ${said}`)),
      START_WAIT_MS,
    );
    child.once('exit', () => reject(new Error(`Chromium ended: ${said}`)));
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const url = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}
