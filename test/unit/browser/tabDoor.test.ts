import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Consent } from '../../../src/browser/consent.ts';
import { GO, GUEST_VERSION, HEARD, YES } from '../../../src/browser/guestWords.ts';
import type { Pipe, PipeHandler, PipeMessage } from '../../../src/browser/pipe.ts';
import { PipeNetwork } from '../../../src/browser/pipeNetwork.ts';
import { TabDoor } from '../../../src/browser/tabDoor.ts';
import { TabNetwork } from '../../../src/browser/tabNetwork.ts';
import { ZooKeeper } from '../../../src/client/zooKeeper.ts';
import { nodeClock, nodeRandom } from '../../../src/node/nodeClock.ts';
import { FakeServer } from '../client/fakeServer.ts';

const TAB = 'https://tab.example';
const APP = 'https://app.example';
const KNOCK = { tabkeeper: 'connect', version: GUEST_VERSION };
const KIB = 1024;
const WITHIN = { timeout: 20_000 };

vi.setConfig({ testTimeout: 60_000 });

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

/** A tab's server, its door, and the person there, who answers when the test does. */
class Tab {
  readonly server = new FakeServer();
  readonly questions: { readonly origin: string; readonly answer: (allowed: boolean) => void }[] =
    [];
  readonly remembered: string[] = [];
  readonly opened: Pipe[] = [];
  readonly door: TabDoor;
  readonly #network = new PipeNetwork(1, () => ({ send: () => {}, close: () => {} }), nodeClock);

  constructor(recalled: readonly string[] = []) {
    const consent = new Consent({
      ownOrigin: TAB,
      ask: (origin) => new Promise((resolve) => this.questions.push({ origin, answer: resolve })),
      recall: () => recalled,
      remember: (allowed) => this.remembered.splice(0, Infinity, ...allowed),
    });
    this.door = new TabDoor({ consent, open: (handler) => this.#open(handler) });
    this.#network.listen(
      'client',
      'tab-1',
      (connection) => this.server.accept(connection),
      (reason) => {
        throw new Error(reason);
      },
    );
    cleanups.push(() => this.door.close());
  }

  get askedFor(): readonly string[] {
    return this.questions.map(({ origin }) => origin);
  }

  /** The tab's window, as a page of that origin has it. */
  windowFor(origin: string, lostKnockCount = 0) {
    let left = lostKnockCount;
    const postMessage = (data: unknown, _target: unknown, ports: readonly MessagePort[]): void => {
      if (left-- <= 0) this.door.received({ data, origin, ports });
    };
    return { postMessage } as Pick<Window, 'postMessage'>;
  }

  /** As the bridge to the Worker does it: no call within a call. */
  #open(handler: PipeHandler): Pipe {
    const soon = (task: () => void): void => queueMicrotask(task);
    const server = this.#network.incoming(
      { port: 'client', to: 1, from: 0 },
      {
        send: (message) => soon(() => handler.message(message)),
        close: () => soon(() => handler.closed('the server closed it')),
      },
    );
    const pipe: Pipe = {
      send: (message) => soon(() => server.message(message)),
      close: () => soon(() => server.closed('the guest is gone')),
    };
    this.opened.push(pipe);
    return pipe;
  }
}

function clientOf(tab: Tab, origin: string, lostKnockCount = 0) {
  const network = new TabNetwork(
    tab.windowFor(origin, lostKnockCount),
    TAB,
    nodeClock,
    () => void zk.close(),
  );
  const zk: ZooKeeper = new ZooKeeper(
    { clock: nodeClock, network, random: nodeRandom },
    { addresses: [TAB], sessionTimeoutMs: 60_000, maxReconnectPauseMs: 20 },
  );
  cleanups.push(() => void zk.close());
  return { zk, network };
}

/** A page's port in the rough, and what it has heard. */
function knock(tab: Tab, origin: string, message: unknown = KNOCK) {
  const { port1, port2 } = new MessageChannel();
  const heard: unknown[] = [];
  port1.onmessage = ({ data }: MessageEvent<unknown>) => heard.push(data);
  cleanups.push(() => port1.close());
  tab.door.received({ data: message, origin, ports: [port2] });
  const hears = (what: unknown) =>
    vi.waitFor(() => {
      expect(heard.at(-1)).toEqual(what);
    }, WITHIN);
  return { port: port1, heard, hears };
}

async function admitted(tab: Tab, origin = TAB) {
  const guest = knock(tab, origin);
  guest.port.postMessage(GO);
  await vi.waitFor(() => {
    expect(guest.heard).toContain(YES);
  }, WITHIN);
  return guest;
}

let tab: Tab;
beforeEach(() => {
  tab = new Tab();
});

describe('a page that wants to be a client of a tab', () => {
  it('is one at once when it is of the same origin', async () => {
    const { zk } = clientOf(tab, TAB);
    await zk.connected();
    expect(tab.server.connections).toHaveLength(1);
    expect(tab.askedFor).toEqual([]);
  });

  it('knocks until the tab has loaded', async () => {
    const { zk } = clientOf(tab, TAB, 2);
    await zk.connected();
    expect(tab.opened).toHaveLength(1);
  });

  it('of another origin waits for the person at the tab, who is asked once', async () => {
    const first = clientOf(tab, APP);
    const second = clientOf(tab, APP);
    await vi.waitFor(() => {
      expect(tab.askedFor).toEqual([APP]);
    }, WITHIN);
    expect(tab.opened).toHaveLength(0);
    tab.questions[0]?.answer(true);
    await first.zk.connected();
    await second.zk.connected();
    const third = clientOf(tab, APP);
    await third.zk.connected();
    expect(tab.askedFor).toEqual([APP]);
    expect(tab.remembered).toEqual([APP]);
  });

  it('is told a no for good, and nobody is asked again', async () => {
    const first = clientOf(tab, APP);
    await vi.waitFor(() => {
      expect(tab.askedFor).toEqual([APP]);
    }, WITHIN);
    tab.questions[0]?.answer(false);
    await expect(first.zk.connected()).rejects.toThrow();
    expect(first.network.refusal).toContain(APP);
    const second = clientOf(tab, APP);
    await expect(second.zk.connected()).rejects.toThrow();
    expect(tab.askedFor).toEqual([APP]);
    expect(tab.opened).toHaveLength(0);
    expect(tab.remembered).toEqual([]);
  });

  it('is let in after the tab was loaded again', async () => {
    const again = new Tab([APP]);
    await clientOf(again, APP).zk.connected();
    expect(again.askedFor).toEqual([]);
  });

  it('has no chance without an origin', async () => {
    const { zk, network } = clientOf(tab, 'null');
    await expect(zk.connected()).rejects.toThrow();
    expect(network.refusal).toContain('null');
    expect(tab.askedFor).toEqual([]);
  });

  it('hears at once that the tab goes, and comes back to it', async () => {
    const { zk } = clientOf(tab, TAB);
    await zk.connected();
    tab.door.close();
    await vi.waitFor(() => {
      expect(tab.server.connections).toHaveLength(2);
      expect(zk.state).toBe('connected');
    }, WITHIN);
  });

  it('has its connection ended with the server', async () => {
    const { zk } = clientOf(tab, TAB);
    await zk.connected();
    tab.server.connection.destroy();
    await vi.waitFor(() => {
      expect(tab.server.connections).toHaveLength(2);
    }, WITHIN);
  });

  it('of another version is told which one the tab speaks', async () => {
    const guest = knock(tab, TAB, { ...KNOCK, version: 99 });
    await guest.hears(`nthis tab speaks version ${GUEST_VERSION} with guests, the page 99`);
  });
});

describe('a page that means ill', () => {
  it.each([
    ['a number', 7],
    ['a structure', { tabkeeper: 'connect', version: 1 }],
    ['a long text', 'c'.repeat(KIB)],
    ['more bytes than a message may have', new Uint8Array(65 * KIB)],
    ['a buffer that is no bytes', new ArrayBuffer(8)],
  ])('is cut off after %s', async (_what, message) => {
    const guest = await admitted(tab);
    guest.port.postMessage(message);
    await guest.hears('x');
    await vi.waitFor(() => {
      expect(tab.server.connection.closed).toBe(true);
    }, WITHIN);
  });

  it.each<[string, PipeMessage]>([
    ['bytes', new Uint8Array(4)],
    ['a word', 'a'],
  ])('is cut off when it sends %s before it was let in', async (_what, message) => {
    const guest = knock(tab, APP);
    guest.port.postMessage(GO);
    guest.port.postMessage(message);
    await guest.hears('x');
    expect(tab.opened).toHaveLength(0);
    tab.questions[0]?.answer(true);
    await admitted(tab, APP);
    expect(tab.opened).toHaveLength(1);
  });

  it('has no more under way than a window', async () => {
    const passed: PipeMessage[] = [];
    const deaf = new TabDoor({
      consent: { mayEnter: () => 'yes' },
      open: () => ({ send: (message) => passed.push(message), close: () => {} }),
    });
    const { port1, port2 } = new MessageChannel();
    cleanups.push(() => port1.close());
    const heard: unknown[] = [];
    port1.onmessage = ({ data }: MessageEvent<unknown>) => heard.push(data);
    deaf.received({ data: KNOCK, origin: TAB, ports: [port2] });
    port1.postMessage(GO);
    for (let count = 0; count < 100; count++) port1.postMessage(new Uint8Array(64 * KIB));
    await vi.waitFor(() => {
      expect(heard).toEqual([HEARD, YES, 'x']);
    }, WITHIN);
    expect(passed.filter((message) => typeof message !== 'string')).toHaveLength(16);
  });

  it('knocks thousands of times, and nothing comes of it but for those who come after', async () => {
    const ports = Array.from({ length: 2_000 }, () => {
      const { port1, port2 } = new MessageChannel();
      tab.door.received({ data: KNOCK, origin: APP, ports: [port2] });
      return port1;
    });
    await clientOf(tab, TAB).zk.connected();
    expect(tab.askedFor).toEqual([]);
    for (const port of ports) port.close();
  });

  it('asks few questions at a time', async () => {
    const sites = ['https://1.example', 'https://2.example', 'https://3.example'];
    for (const site of [...sites, ...sites]) knock(tab, site).port.postMessage(GO);
    const last = knock(tab, 'https://4.example');
    last.port.postMessage(GO);
    await last.hears('bthe person at the tab has other questions to answer first');
    expect(tab.askedFor).toEqual(['https://1.example']);
    tab.questions[0]?.answer(false);
    await vi.waitFor(() => {
      expect(tab.askedFor).toEqual(['https://1.example', 'https://2.example']);
    }, WITHIN);
  });

  it('takes only some of the places', async () => {
    for (let count = 0; count < 20; count++) knock(tab, APP).port.postMessage(GO);
    const last = knock(tab, APP);
    last.port.postMessage(GO);
    await last.hears('bthis tab has as many guests as it takes');
    await clientOf(tab, TAB).zk.connected();
    expect(tab.opened).toHaveLength(1);
  });

  it('is not heard in what is meant for somebody else', async () => {
    const messages = [
      null,
      'connect',
      { tabkeeper: 'other', version: 1 },
      { tabkeeper: 'connect' },
    ];
    const guests = messages.map((message) => knock(tab, TAB, message));
    tab.door.received({ data: KNOCK, origin: TAB, ports: [] });
    await clientOf(tab, TAB).zk.connected();
    expect(guests.flatMap(({ heard }) => heard)).toEqual([]);
  });
});
