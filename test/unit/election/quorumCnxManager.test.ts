/** Connection managers on a simulated network, some of their peers played by the test byte by byte. */

import { describe, expect, it } from 'vitest';
import { ByteQueue } from '../../../src/base/byteQueue.ts';
import { parseQuorumVerifier } from '../../../src/config/configText.ts';
import type { MessageReceiver } from '../../../src/election/electionChannel.ts';
import { QuorumCnxManager, type CnxManagerConfig } from '../../../src/election/quorumCnxManager.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../../../src/ports/network.ts';
import type { ConnectionEvent } from '../../../src/ports/probe.ts';
import { Simulation, type SimWorld } from '../../../src/sim/simWorld.ts';
import {
  encodePreamble,
  frameElectionMessage,
  MAX_ELECTION_MESSAGE_BYTES,
  PREAMBLE_VERSION_ADDRESS_LIST,
  PREAMBLE_VERSION_ONE_ADDRESS,
  takeElectionMessage,
  takePreamble,
  type Preamble,
} from '../../../src/wire/electionMessages.ts';
import { sid, type Sid } from '../../../src/wire/ids.ts';
import { ElectingPeer, verifierOf } from './electingPeer.ts';

const CONFIG: CnxManagerConfig = {
  cnxTimeoutMs: 5_000,
  quorumCnxnTimeoutMs: 10_000,
  electionPortBindRetryCount: 3,
  quorumListenOnAllIPs: false,
  multiAddressEnabled: false,
};
const SETTLE_MS = 50;
/** How long a connection has to stand for its end to be a loss, and a little. */
const SETTLED_MS = 1_050;

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const bytesOf = (message: string): Uint8Array => new Uint8Array(Buffer.from(message));

/** A real manager on its machine. */
class Server implements MessageReceiver {
  readonly world: SimWorld;
  readonly peer: ElectingPeer;
  readonly manager: QuorumCnxManager;
  readonly heard: string[] = [];
  readonly losses: number[] = [];
  readonly events: ConnectionEvent[] = [];

  constructor(stage: Stage, number: number, config: Partial<CnxManagerConfig>) {
    this.world = stage.simulation.machine(`tab-${number}`, sid(number)).boot();
    this.peer = new ElectingPeer(number, stage.verifier);
    this.manager = new QuorumCnxManager(this.world, this.peer, { ...CONFIG, ...config });
    stage.simulation.subscribe(['connection'], ({ sid: at, event }) => {
      if (at === this.peer.sid && event.topic === 'connection') this.events.push(event);
    });
    this.manager.start(this);
  }

  received(from: Sid, message: Uint8Array): string | null {
    const said = text(message);
    this.heard.push(`${from}: ${said}`);
    return said === 'impossible' ? 'nobody says that' : null;
  }

  lost = (from: Sid): void => void this.losses.push(Number(from));

  say(to: number, message: string): void {
    this.manager.toSend(sid(to), bytesOf(message));
  }

  closings(): string[] {
    return this.events.flatMap((event) => (event.type === 'closed' ? [event.reason] : []));
  }
}

/** One end of a connection whose bytes the test reads and writes itself. */
class Line implements ConnectionHandler {
  connection: Connection | null = null;
  readonly stream = new ByteQueue();
  isOpen = false;
  end: CloseReason | null = null;

  opened = (): void => void (this.isOpen = true);
  received = (bytes: Uint8Array): void => this.stream.push(bytes);
  drained = (): void => {};
  closed = (reason: CloseReason): void => void (this.end = reason);

  write(bytes: Uint8Array): void {
    if (this.connection === null) throw new Error('not connected');
    this.connection.write(bytes);
  }

  say(message: string): void {
    this.write(frameElectionMessage(bytesOf(message)));
  }

  preamble(): Preamble | null {
    return takePreamble(this.stream);
  }

  messages(): string[] {
    const found: string[] = [];
    for (;;) {
      const message = takeElectionMessage(this.stream);
      if (message === null) return found;
      found.push(text(message));
    }
  }
}

class Stage {
  readonly simulation = new Simulation(7);
  readonly verifier;

  constructor(verifier = verifierOf(5)) {
    this.verifier = verifier;
  }

  server(number: number, config: Partial<CnxManagerConfig> = {}): Server {
    return new Server(this, number, config);
  }

  /** A machine whose election port the test answers: the lines it accepts. */
  answering(number: number, address = `tab-${number}:3888`): Line[] {
    const lines: Line[] = [];
    const host = address.slice(0, address.lastIndexOf(':'));
    const world = this.simulation.machine(host, sid(number)).boot();
    world.network.listen(
      'election',
      address,
      (connection) => {
        const line = new Line();
        line.connection = connection;
        line.isOpen = true;
        lines.push(line);
        return line;
      },
      (reason) => {
        throw new Error(reason);
      },
    );
    return lines;
  }

  /** Dials a server's election port from a machine of the test's own. */
  dial(to: number, from = 'elsewhere'): Line {
    const machine = this.simulation.machine(from, sid(99));
    const world = machine.world ?? machine.boot();
    const line = new Line();
    line.connection = world.network.connect(`tab-${to}:3888`, 'election', line);
    return line;
  }

  settle(ms = SETTLE_MS): void {
    this.simulation.time.runFor(ms);
  }
}

const preamble = (from: bigint | number, ...addresses: string[]): Uint8Array =>
  encodePreamble(
    { sid: sid(from), addresses },
    addresses.length > 1 ? PREAMBLE_VERSION_ADDRESS_LIST : PREAMBLE_VERSION_ONE_ADDRESS,
  );

describe('the sid rule', () => {
  it('keeps the connection that the larger sid dials, and talks both ways on it', () => {
    const stage = new Stage();
    const [one, three] = [stage.server(1), stage.server(3)];
    three.say(1, 'vote');
    stage.settle();
    one.say(3, 'answer');
    stage.settle();
    expect([one.heard, three.heard]).toEqual([['3: vote'], ['1: answer']]);
    expect(three.events).toMatchObject([{ type: 'opened', direction: 'dialled', peer: 1n }]);
    expect(one.events).toMatchObject([{ type: 'opened', direction: 'accepted', peer: 3n }]);
  });

  it('lets the smaller sid knock, hang up and be dialled back, and its message arrive', () => {
    const stage = new Stage();
    const [one, three] = [stage.server(1), stage.server(3)];
    one.say(3, 'vote');
    stage.settle();
    expect(three.heard).toEqual(['1: vote']);
    expect(one.events).toMatchObject([
      { type: 'opened', direction: 'dialled', peer: 3n },
      { type: 'closed', by: 'us', peer: 3n },
      { type: 'opened', direction: 'accepted', peer: 3n },
    ]);
    expect(three.closings()).toEqual(['server 1 has the smaller sid: it is dialled back']);
  });

  it('ends in one connection when both dial at once', () => {
    const stage = new Stage();
    const [one, two] = [stage.server(1), stage.server(2)];
    one.say(2, 'from one');
    two.say(1, 'from two');
    stage.settle();
    expect(one.manager.connectedToPeer(sid(2))).toBe(true);
    expect(two.manager.connectedToPeer(sid(1))).toBe(true);
    expect(new Set(one.heard)).toEqual(new Set(['2: from two']));
    expect(new Set(two.heard)).toEqual(new Set(['1: from one']));
    const closedCount = two.closings().length;
    stage.settle(60_000);
    expect(two.closings()).toHaveLength(closedCount);
  });

  it('has the smaller sid send a preamble and nothing else', () => {
    const stage = new Stage();
    const [line] = [stage.answering(3)];
    stage.server(1).say(3, 'vote');
    stage.settle();
    expect(line).toHaveLength(1);
    expect(line[0]?.preamble()).toEqual({ sid: 1n, addresses: ['tab-1:3888'] });
    expect(line[0]?.stream.length).toBe(0);
    expect(line[0]?.end).toEqual({ kind: 'ended' });
  });

  it('has the larger sid send its preamble first and then its messages', () => {
    const stage = new Stage();
    const lines = stage.answering(1);
    const three = stage.server(3);
    three.say(1, 'a');
    stage.settle();
    three.say(1, 'b');
    stage.settle();
    expect(lines[0]?.preamble()).toEqual({ sid: 3n, addresses: ['tab-3:3888'] });
    expect(lines[0]?.messages()).toEqual(['a', 'b']);
  });

  it('drops the connection it has with a smaller sid that knocks: that one knows of none', () => {
    const stage = new Stage();
    const lines = stage.answering(1);
    const three = stage.server(3);
    three.say(1, 'vote');
    stage.settle();
    stage.dial(3, 'tab-1').write(preamble(1, 'tab-1:3888'));
    stage.settle();
    expect(lines).toHaveLength(2);
    expect(lines[0]?.end).not.toBeNull();
    expect(lines[1]?.preamble()?.sid).toBe(3n);
    expect(lines[1]?.messages()).toEqual(['vote']);
  });
});

describe('dialling back', () => {
  it('goes to the address in the preamble', () => {
    const stage = new Stage();
    stage.server(3);
    const lines = stage.answering(1, 'moved:4000');
    stage.dial(3).write(preamble(1, 'moved:4000'));
    stage.settle();
    expect(lines[0]?.preamble()?.sid).toBe(3n);
  });

  it('goes to IPv6 addresses too', () => {
    const stage = new Stage();
    stage.server(3);
    const lines = stage.answering(1, '[fd00::1]:4000');
    stage.dial(3).write(preamble(1, '[fd00::1]:4000'));
    stage.settle();
    expect(lines).toHaveLength(1);
  });

  it('goes where the configuration says when the preamble names only a wildcard, or nothing', () => {
    for (const announced of [preamble(1, '0.0.0.0:3888'), preamble(1, '[::]:3888'), bareSid(1n)]) {
      const stage = new Stage();
      stage.server(3);
      const lines = stage.answering(1);
      stage.dial(3).write(announced);
      stage.settle();
      expect(lines).toHaveLength(1);
    }
  });

  it('takes the first address that can be dialled of a list', () => {
    const stage = new Stage();
    stage.server(3);
    const lines = stage.answering(1, 'moved:4000');
    stage.dial(3).write(preamble(1, '0.0.0.0:1', 'moved:4000'));
    stage.settle();
    expect(lines).toHaveLength(1);
  });

  it('reaches a server the configuration does not know', () => {
    const stage = new Stage(verifierOf(3, [], 'server.9=tab-9:2888:3888'));
    stage.server(9);
    const lines = stage.answering(5);
    stage.dial(9, 'tab-5').write(preamble(5, 'tab-5:3888'));
    stage.settle();
    expect(lines[0]?.preamble()?.sid).toBe(9n);
  });
});

const bareSid = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value);
  return bytes;
};

describe('an accepted connection', () => {
  it.each([
    ['of an unknown protocol version', bareSid(-5n), /unknown protocol version/],
    ['with too many bytes of address', preamble(5, 'x'.repeat(2049)), /2049 bytes of addresses/],
    ['with no bytes of address', preamble(5, ''), /0 bytes of addresses/],
    ['with an address without a port', preamble(5, 'tab-5'), /names itself server 5 at tab-5/],
    ['with a port that is none', preamble(5, 'tab-5:port'), /names itself server 5/],
    ['with a host that is none', preamble(5, 'ta b:3888'), /names itself server 5/],
    ['with brackets that do not match', preamble(5, '[::1:3888'), /names itself server 5/],
    ['with a negative sid', preamble(-3, 'tab-5:3888'), /names itself server -3/],
    ['with our own sid', preamble(3, 'tab-3:3888'), /claims our own sid 3/],
  ])('%s is closed, and nothing else is', (_what, bytes, reason) => {
    const stage = new Stage();
    const [three, four] = [stage.server(3), stage.server(4)];
    four.say(3, 'vote');
    stage.settle();
    const line = stage.dial(3);
    line.write(bytes);
    stage.settle();
    expect(line.end).not.toBeNull();
    expect(three.closings()).toEqual([expect.stringMatching(reason)]);
    four.say(3, 'again');
    stage.settle();
    expect(three.heard).toEqual(['4: vote', '4: again']);
  });

  it('that does not say who it is in time is closed', () => {
    const stage = new Stage();
    const three = stage.server(3);
    const line = stage.dial(3);
    line.write(preamble(5, 'tab-5:3888').slice(0, 15));
    stage.settle(CONFIG.quorumCnxnTimeoutMs - 100);
    expect(line.end).toBeNull();
    stage.settle(200);
    expect(line.end).not.toBeNull();
    expect(three.closings()).toEqual(['did not say who it is within 10000 ms']);
  });

  it('that has said who it is may be silent for ever', () => {
    const stage = new Stage();
    const three = stage.server(3);
    const line = stage.dial(3);
    line.write(preamble(5, 'tab-5:3888'));
    stage.settle(3_600_000);
    expect(line.end).toBeNull();
    expect(three.manager.connectedToPeer(sid(5))).toBe(true);
  });

  it('may bring its preamble and messages cut anywhere', () => {
    const stage = new Stage();
    const three = stage.server(3);
    const line = stage.dial(3);
    const stream = [
      ...preamble(5, 'tab-5:3888'),
      ...frameElectionMessage(bytesOf('a')),
      ...frameElectionMessage(bytesOf('bc')),
    ];
    for (const byte of stream) line.write(Uint8Array.of(byte));
    stage.settle();
    expect(three.heard).toEqual(['5: a', '5: bc']);
  });

  it('from outside the ensemble makes the oldest such one give way when there are too many', () => {
    const stage = new Stage();
    const [three] = [stage.server(3), stage.server(4)];
    const lines = Array.from({ length: 101 }, (_, i) => {
      const line = stage.dial(3);
      stage.settle(1);
      if (i === 50) line.write(preamble(50, 'elsewhere:1'));
      return line;
    });
    stage.settle();
    expect(lines.map(({ end }) => end !== null).lastIndexOf(true)).toBe(0);
    expect(three.manager.connectedToPeer(sid(50))).toBe(true);
    lines[50]?.connection?.destroy();
    stage.settle();
    expect(three.manager.connectedToPeer(sid(50))).toBe(false);
    // Its place is free again.
    stage.dial(3);
    stage.settle();
    expect(lines[1]?.end).toBeNull();
  });

  it('of an observer without a sid of its own gets a name, and answers find it', () => {
    const stage = new Stage();
    const three = stage.server(3);
    const [first, second] = [stage.dial(3), stage.dial(3)];
    for (const line of [first, second]) {
      line.write(preamble(2n ** 63n - 1n, 'elsewhere:1'));
      stage.settle();
    }
    first.say('who leads?');
    stage.settle();
    second.say('and now?');
    stage.settle();
    expect(three.heard).toEqual(['-1: who leads?', '-2: and now?']);
    three.say(-2, 'three');
    stage.settle();
    expect([first.messages(), second.messages()]).toEqual([[], ['three']]);
  });

  it('of a 3.4 server says nothing but its sid, and is heard', () => {
    const stage = new Stage(verifierOf(5, [5]));
    const three = stage.server(3);
    const line = stage.dial(3);
    line.write(bareSid(5n));
    line.say('who leads?');
    stage.settle();
    expect(three.heard).toEqual(['5: who leads?']);
    three.say(5, 'three');
    stage.settle();
    expect(line.messages()).toEqual(['three']);
  });
});

describe('three servers of which each restarts five times', () => {
  it('have one connection for each two after every start, and none too many', () => {
    const stage = new Stage(verifierOf(3));
    const open = new Map<number, Set<number>>([1, 2, 3].map((one) => [one, new Set()]));
    stage.simulation.subscribe(['connection'], ({ sid: at, event }) => {
      if (event.topic !== 'connection') return;
      const connections = open.get(Number(at));
      if (event.type === 'opened') connections?.add(event.connection);
      if (event.type === 'closed') connections?.delete(event.connection);
    });
    const servers = new Map([1, 2, 3].map((one) => [one, stage.server(one)]));
    const talk = (): void => {
      for (const [one, server] of servers) {
        for (const other of servers.keys()) if (other !== one) server.say(other, 'vote');
      }
      stage.settle(SETTLED_MS);
    };
    const counts = (): number[] => [...servers.keys()].map((one) => open.get(one)?.size ?? 0);
    talk();
    expect(counts()).toEqual([2, 2, 2]);
    for (const restarted of [1, 2, 3]) {
      for (let round = 0; round < 5; round++) {
        stage.simulation.machine(`tab-${restarted}`, sid(restarted)).crash();
        open.set(restarted, new Set());
        servers.delete(restarted);
        stage.settle(SETTLED_MS);
        expect(counts()).toEqual([1, 1]);
        servers.set(restarted, stage.server(restarted));
        talk();
        expect(counts()).toEqual([2, 2, 2]);
      }
    }
  });
});

describe('a newer connection with the same server', () => {
  it('takes the place of the older, which is closed', () => {
    const stage = new Stage();
    const three = stage.server(3);
    const [older, newer] = [stage.dial(3), stage.dial(3)];
    older.write(preamble(5, 'tab-5:3888'));
    stage.settle();
    newer.write(preamble(5, 'tab-5:3888'));
    stage.settle();
    expect([older.end !== null, newer.end]).toEqual([true, null]);
    three.say(5, 'vote');
    stage.settle();
    expect(newer.messages()).toEqual(['vote']);
    expect(three.closings()).toEqual(['a newer connection with the same server replaces it']);
  });
});

describe('messages', () => {
  it('that wait are replaced by newer ones, and the last is sent when the server comes up', () => {
    const stage = new Stage();
    const three = stage.server(3);
    for (const message of ['a', 'b', 'c']) three.say(1, message);
    stage.settle(CONFIG.cnxTimeoutMs + 100);
    expect(three.manager.haveDelivered()).toBe(false);
    const lines = stage.answering(1);
    three.manager.connectAll();
    stage.settle();
    lines[0]?.preamble();
    expect(lines[0]?.messages()).toEqual(['c']);
    expect(three.manager.haveDelivered()).toBe(true);
  });

  it('are sent again on a new connection if nothing newer waits', () => {
    const stage = new Stage();
    const lines = stage.answering(1);
    const three = stage.server(3);
    three.say(1, 'vote');
    stage.settle();
    lines[0]?.connection?.destroy();
    stage.settle();
    three.manager.connectAll();
    stage.settle();
    lines[1]?.preamble();
    expect(lines[1]?.messages()).toEqual(['vote']);
    lines[1]?.connection?.destroy();
    stage.settle();
    three.say(1, 'newer');
    stage.settle();
    lines[2]?.preamble();
    expect(lines[2]?.messages()).toEqual(['newer']);
  });

  it('to a peer that does not read are kept to the newest', () => {
    const stage = new Stage();
    const three = stage.server(3);
    const line = stage.dial(3);
    line.write(preamble(5, 'tab-5:3888'));
    stage.settle();
    line.connection?.pause();
    const large = 'x'.repeat(400_000);
    for (let i = 0; i < 10; i++) {
      three.say(5, `${i}${large}`);
      stage.settle();
    }
    line.connection?.resume();
    stage.settle(1_000);
    const got = line.messages().map((message) => message.charAt(0));
    expect(got.length).toBeLessThan(5);
    expect(got.at(-1)).toBe('9');
  });

  it('to ourselves come back soon and never inside the call, the last hundred of them', () => {
    const stage = new Stage();
    const three = stage.server(3);
    for (let i = 0; i < 150; i++) three.say(3, String(i));
    expect(three.heard).toEqual([]);
    stage.settle(0);
    expect(three.heard).toHaveLength(100);
    expect([three.heard[0], three.heard.at(-1)]).toEqual(['3: 50', '3: 149']);
  });

  it.each([
    ['of no length', new Uint8Array(4)],
    ['of negative length', Uint8Array.of(255, 255, 255, 255)],
    ['over the limit', lengthOf(MAX_ELECTION_MESSAGE_BYTES + 1)],
    ['that nobody says', frameElectionMessage(bytesOf('impossible'))],
  ])('%s close their connection and nothing else', (_what, bytes) => {
    const stage = new Stage();
    const [three, four] = [stage.server(3), stage.server(4)];
    four.say(3, 'vote');
    const line = stage.dial(3);
    line.write(preamble(5, 'tab-5:3888'));
    line.say('fine');
    line.write(bytes);
    line.say('never heard');
    stage.settle();
    expect(line.end).not.toBeNull();
    four.say(3, 'again');
    stage.settle();
    expect(three.heard.filter((said) => said.startsWith('5'))).not.toContain('5: never heard');
    expect(three.heard.filter((said) => said.startsWith('4'))).toEqual(['4: vote', '4: again']);
    expect(three.manager.connectedToPeer(sid(5))).toBe(false);
  });

  it('of exactly the limit are fine', () => {
    const stage = new Stage();
    const three = stage.server(3);
    const line = stage.dial(3);
    line.write(preamble(5, 'tab-5:3888'));
    line.say('x'.repeat(MAX_ELECTION_MESSAGE_BYTES));
    stage.settle(1_000);
    expect(three.heard[0]).toHaveLength(MAX_ELECTION_MESSAGE_BYTES + 3);
  });

  it('to a server nobody knows go nowhere', () => {
    const stage = new Stage();
    const three = stage.server(3);
    three.say(42, 'hello?');
    three.manager.connectAll();
    stage.settle(10_000);
    expect(three.events).toEqual([]);
    expect(three.manager.haveDelivered()).toBe(false);
  });
});

function lengthOf(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
}

describe('a dial', () => {
  it('that nobody answers is given up after its deadline, and others do not wait for it', () => {
    const stage = new Stage();
    const [one, three] = [stage.server(1), stage.server(3, { cnxTimeoutMs: 2_000 })];
    three.say(2, 'into the dark');
    three.say(1, 'vote');
    stage.settle();
    expect(one.heard).toEqual(['3: vote']);
    stage.settle(1_900);
    expect(three.closings()).toEqual([]);
    stage.settle(100);
    expect(three.closings()).toEqual(['no answer from tab-2:3888 within 2000 ms']);
  });

  it('under way is not begun a second time', () => {
    const stage = new Stage();
    const three = stage.server(3);
    for (let i = 0; i < 5; i++) {
      three.say(2, String(i));
      three.manager.connectAll();
    }
    stage.settle(CONFIG.cnxTimeoutMs + 100);
    expect(three.closings()).toHaveLength(1);
  });

  it('under way is not begun again for those who ask to be dialled back', () => {
    const stage = new Stage();
    const three = stage.server(3, { cnxTimeoutMs: 2_000 });
    for (let i = 0; i < 3; i++) {
      stage.dial(3).write(preamble(1, 'dark:1'));
      stage.settle();
    }
    stage.settle(2_100);
    const dials = three.closings().filter((reason) => reason.startsWith('no answer from dark:1'));
    expect(dials).toHaveLength(1);
  });

  it('is tried again only when there is something to say or when told to', () => {
    const stage = new Stage();
    const three = stage.server(3);
    three.say(2, 'vote');
    stage.settle(60_000);
    expect(three.closings()).toHaveLength(1);
    three.manager.connectAll();
    stage.settle(60_000);
    expect(three.closings()).toHaveLength(2);
  });

  it('goes to a server’s several addresses in turn', () => {
    const config = ['server.1=a:1:2|b:1:2:participant', 'server.2=x:1:2', 'server.3=tab-3:1:3888'];
    const stage = new Stage(parseQuorumVerifier(config.join('\n')));
    const lines = stage.answering(1, 'b:2');
    const three = stage.server(3, { multiAddressEnabled: true });
    three.say(1, 'vote');
    stage.settle(CONFIG.cnxTimeoutMs + 100);
    expect(lines).toHaveLength(0);
    three.manager.connectAll();
    stage.settle();
    expect(lines).toHaveLength(1);
    const stream = lines[0]?.stream;
    expect([stream?.peekInt(), stream?.peekInt(4)]).toEqual([-1, -65535]);
  });
});

describe('a server that was connected', () => {
  it('is lost when its connection ends, whoever dialled, and found when it connects again', () => {
    const stage = new Stage();
    const [one, three] = [stage.server(1), stage.server(3)];
    expect(three.manager.hasLost(sid(1))).toBe(false);
    three.say(1, 'vote');
    stage.settle(SETTLED_MS);
    stage.simulation.machine('tab-1', sid(1)).crash();
    stage.settle();
    expect([three.losses, three.manager.hasLost(sid(1))]).toEqual([[1], true]);
    const again = stage.server(1);
    again.say(3, 'here');
    stage.settle(SETTLED_MS);
    expect(three.manager.hasLost(sid(1))).toBe(false);
    three.manager.halt();
    stage.settle();
    expect([again.losses, again.manager.hasLost(sid(3)), one.losses]).toEqual([[3], true, []]);
  });

  it('is not lost when that was only a moment ago: both may have dialled at once', () => {
    const stage = new Stage();
    const [one, three] = [stage.server(1), stage.server(3)];
    three.say(1, 'vote');
    stage.settle();
    expect(one.heard).toHaveLength(1);
    stage.simulation.machine('tab-1', sid(1)).crash();
    stage.settle();
    expect([three.losses, three.manager.hasLost(sid(1))]).toEqual([[], false]);
  });

  it('is lost, however young its connection is, if an election ended meanwhile', () => {
    const stage = new Stage();
    const three = stage.server(3);
    stage.server(1);
    three.say(1, 'vote');
    stage.settle();
    three.manager.electionEnded();
    stage.simulation.machine('tab-1', sid(1)).crash();
    stage.settle();
    expect([three.losses, three.manager.hasLost(sid(1))]).toEqual([[1], true]);
  });

  it('is lost, however young its connection is, if that came up while nobody looked here', () => {
    const stage = new Stage();
    const three = stage.server(3);
    three.peer.state = 'LEADING';
    stage.server(1).say(3, 'vote');
    stage.settle();
    stage.simulation.machine('tab-1', sid(1)).crash();
    stage.settle();
    expect([three.losses, three.manager.hasLost(sid(1))]).toEqual([[1], true]);
  });

  it('is not lost while it only asks to be dialled anew', () => {
    const stage = new Stage();
    const three = stage.server(3);
    const lines = stage.answering(1);
    three.say(1, 'vote');
    stage.settle(SETTLED_MS);
    expect(lines).toHaveLength(1);
    stage.dial(3, 'tab-1').write(preamble(1, 'tab-1:3888'));
    stage.settle();
    expect([lines.length, three.manager.hasLost(sid(1))]).toEqual([2, false]);
  });
});

describe('the election port', () => {
  it('that is taken is tried three times a second apart, and then the peer is told', () => {
    const stage = new Stage();
    const machine = stage.simulation.machine('tab-3', sid(3));
    const world = machine.boot();
    const nobody = (): ConnectionHandler => new Line();
    const taken = world.network.listen('election', 'tab-3:3888', nobody, () => {});
    const peer = new ElectingPeer(3, stage.verifier);
    const receiver: MessageReceiver = { received: () => null, lost: () => {} };
    new QuorumCnxManager(world, peer, CONFIG).start(receiver);
    stage.settle(1_900);
    expect(peer.portFailures).toEqual([]);
    stage.settle(200);
    expect(peer.portFailures).toEqual([
      expect.stringMatching(/tab-3:3888 .*after 3 tries: address/),
    ]);

    const patient = new ElectingPeer(3, stage.verifier);
    const manager = new QuorumCnxManager(world, patient, {
      ...CONFIG,
      electionPortBindRetryCount: 0,
    });
    manager.start(receiver);
    stage.settle(60_000);
    taken.close();
    stage.settle(1_100);
    const line = stage.dial(3);
    stage.settle();
    expect([patient.portFailures, line.isOpen]).toEqual([[], true]);
  });

  it('can be that of all addresses', () => {
    const stage = new Stage();
    const three = stage.server(3, { quorumListenOnAllIPs: true });
    stage.server(4).say(3, 'vote');
    stage.settle();
    expect(three.heard).toEqual(['4: vote']);
  });
});

describe('a manager that halts', () => {
  it('closes all it has and says nothing more', () => {
    const stage = new Stage();
    const [three, four] = [stage.server(3), stage.server(4)];
    four.say(3, 'vote');
    three.say(1, 'into the dark');
    const stranger = stage.dial(3);
    stage.settle();
    three.manager.halt();
    three.say(3, 'to myself');
    three.say(4, 'to four');
    stage.settle();
    const late = stage.dial(3);
    stage.settle(60_000);
    expect(stranger.end).not.toBeNull();
    expect(late.end?.kind).toBe('refused');
    expect(four.manager.connectedToPeer(sid(3))).toBe(false);
    expect([three.heard, four.heard]).toEqual([['4: vote'], []]);
  });
});
