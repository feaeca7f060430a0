/** What every `Network` must keep, whatever carries it: simulated links, TCP, data channels. */

import type {
  Address,
  CloseReason,
  Connection,
  ConnectionHandler,
  Network,
  Port,
} from '../../src/ports/network.ts';
import { check, checkBytes, checkEqual, concat, pattern, type Register } from './check.ts';

/** Two servers' networks and a way to let time pass, real or virtual. */
export interface NetworkHarness {
  readonly near: Network;
  readonly far: Network;
  /** Where `far` may listen on that port, and how `near` dials it. */
  farAddress(port: Port): Address;
  /** Lets time go on until the condition holds; throws, naming `what`, if it does not in reasonable time. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Lets all that is under way arrive: afterwards nothing happens by itself. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** Records what a handler is told. */
class Recorder implements ConnectionHandler {
  readonly calls: string[] = [];
  readonly chunks: Uint8Array[] = [];
  receivedBytes = 0;
  reason: CloseReason | null = null;

  opened(): void {
    this.calls.push('opened');
  }

  received(bytes: Uint8Array): void {
    check(this.reason === null, 'received after closed');
    check(bytes.length > 0, 'received an empty chunk');
    this.calls.push('received');
    this.chunks.push(bytes.slice());
    this.receivedBytes += bytes.length;
  }

  drained(): void {
    this.calls.push('drained');
  }

  closed(reason: CloseReason): void {
    check(this.reason === null, 'closed twice');
    this.calls.push('closed');
    this.reason = reason;
  }

  get bytes(): Uint8Array {
    return concat(this.chunks);
  }

  count(call: string): number {
    return this.calls.filter((made) => made === call).length;
  }
}

interface End {
  readonly connection: Connection;
  readonly handler: Recorder;
}

class Pair {
  readonly harness: NetworkHarness;
  readonly near: End;
  readonly far: End;

  constructor(harness: NetworkHarness, near: End, far: End) {
    this.harness = harness;
    this.near = near;
    this.far = far;
  }
}

/** Collects what `far` accepts. */
function listenAt(harness: NetworkHarness, port: Port) {
  const accepted: End[] = [];
  const failures: string[] = [];
  const listener = harness.far.listen(
    port,
    harness.farAddress(port),
    (connection) => {
      const end = { connection, handler: new Recorder() };
      accepted.push(end);
      return end.handler;
    },
    (reason) => failures.push(reason),
  );
  return { accepted, failures, listener };
}

function dial(harness: NetworkHarness, port: Port): End {
  const handler = new Recorder();
  const connection = harness.near.connect(harness.farAddress(port), port, handler);
  checkEqual(handler.calls, [], 'calls made inside connect');
  return { connection, handler };
}

async function connectedPair(harness: NetworkHarness, port: Port = 'election'): Promise<Pair> {
  const { accepted } = listenAt(harness, port);
  await harness.settle();
  const near = dial(harness, port);
  await harness.until(
    () => accepted.length > 0 && near.handler.calls.includes('opened'),
    'a connection',
  );
  const far = accepted[0];
  check(far !== undefined, 'nothing accepted');
  return new Pair(harness, near, far);
}

/** Writes it all, waiting for `drained` whenever asked to. */
async function writeAll(harness: NetworkHarness, end: End, bytes: Uint8Array, chunkBytes: number) {
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
    const drainedBefore = end.handler.count('drained');
    if (end.connection.write(bytes.slice(offset, offset + chunkBytes))) continue;
    await harness.until(() => end.handler.count('drained') > drainedBefore, 'drained');
  }
}

/** Registers the suite; `make` gives each test a fresh harness. */
export function networkAcceptance(register: Register, make: () => Promise<NetworkHarness>): void {
  const promise = (name: string, run: (harness: NetworkHarness) => Promise<void>): void => {
    register(name, async () => {
      const harness = await make();
      try {
        await run(harness);
      } finally {
        await harness.stop();
      }
    });
  };

  promise('a dial to a listening port opens on both sides, once', async (harness) => {
    const { near, far } = await connectedPair(harness);
    await harness.settle();
    checkEqual(near.handler.calls, ['opened'], 'dialling side');
    checkEqual(far.handler.calls, [], 'accepting side');
    check(near.connection.remoteAddress.length > 0, 'the dialler knows no remote address');
    check(far.connection.remoteAddress.length > 0, 'the accepter knows no remote address');
  });

  promise('a dial where nobody listens is refused', async (harness) => {
    const { handler } = dial(harness, 'quorum');
    await harness.until(() => handler.reason !== null, 'a refusal');
    checkEqual(handler.calls, ['closed'], 'calls');
    checkEqual(handler.reason?.kind, 'refused', 'reason');
  });

  promise('the three ports are doors of their own', async (harness) => {
    const { accepted } = listenAt(harness, 'election');
    await harness.settle();
    const { handler } = dial(harness, 'client');
    await harness.until(() => handler.reason !== null, 'a refusal');
    checkEqual(handler.reason?.kind, 'refused', 'reason');
    checkEqual(accepted.length, 0, 'accepted at the wrong door');
  });

  promise('bytes arrive in order, both ways at once, in chunks of any size', async (harness) => {
    const { near, far } = await connectedPair(harness);
    const there = pattern(700_001, 1);
    const back = pattern(300_007, 2);
    await Promise.all([
      writeAll(harness, near, there, 9_973),
      writeAll(harness, far, back, 65_536),
    ]);
    await harness.until(
      () =>
        far.handler.receivedBytes === there.length && near.handler.receivedBytes === back.length,
      'all bytes',
    );
    checkBytes(far.handler.bytes, there, 'there');
    checkBytes(near.handler.bytes, back, 'back');
  });

  promise('one write larger than any message of the transport arrives whole', async (harness) => {
    const { near, far } = await connectedPair(harness);
    const bytes = pattern(1_500_000);
    near.connection.write(bytes);
    await harness.until(() => far.handler.receivedBytes === bytes.length, 'all bytes');
    checkBytes(far.handler.bytes, bytes, 'the write');
  });

  promise('what is written before the dial is answered arrives', async (harness) => {
    const { accepted } = listenAt(harness, 'quorum');
    await harness.settle();
    const { connection } = dial(harness, 'quorum');
    connection.write(pattern(100));
    connection.write(pattern(50, 1));
    await harness.until(() => accepted[0]?.handler.receivedBytes === 150, 'the early bytes');
    const far = accepted[0];
    check(far !== undefined, 'nothing accepted');
    checkBytes(far.handler.bytes, concat([pattern(100), pattern(50, 1)]), 'early bytes');
  });

  promise('what the accepting side writes inside accept arrives after opened', async (harness) => {
    harness.far.listen(
      'client',
      harness.farAddress('client'),
      (connection) => {
        connection.write(pattern(10));
        return new Recorder();
      },
      () => {},
    );
    await harness.settle();
    const { handler } = dial(harness, 'client');
    await harness.until(() => handler.receivedBytes === 10, 'the greeting');
    checkEqual(handler.calls[0], 'opened', 'first call');
  });

  promise('close sends what is queued, then ends the other side in order', async (harness) => {
    const { near, far } = await connectedPair(harness);
    const bytes = pattern(600_000);
    near.connection.write(bytes);
    near.connection.close();
    await harness.until(() => far.handler.reason !== null, 'the end');
    checkEqual(far.handler.reason, { kind: 'ended' }, 'reason');
    checkBytes(far.handler.bytes, bytes, 'what was queued');
    await harness.settle();
    checkEqual(near.handler.calls, ['opened'], 'calls to the side that closed');
  });

  promise('a connection closed before its dial is answered still delivers', async (harness) => {
    const { accepted } = listenAt(harness, 'election');
    await harness.settle();
    const { connection, handler } = dial(harness, 'election');
    connection.write(pattern(40));
    connection.close();
    await harness.until(() => accepted[0]?.handler.reason?.kind === 'ended', 'the end');
    checkBytes(accepted[0]?.handler.bytes ?? new Uint8Array(), pattern(40), 'what was queued');
    checkEqual(handler.calls, [], 'calls to the side that closed');
  });

  promise('destroy ends the other side and calls nobody here', async (harness) => {
    const { near, far } = await connectedPair(harness);
    near.connection.destroy();
    await harness.until(() => far.handler.reason !== null, 'the end');
    check(far.handler.reason?.kind !== 'refused', 'an open connection cannot be refused');
    await harness.settle();
    checkEqual(near.handler.calls, ['opened'], 'calls to the side that destroyed');
  });

  promise('a dial destroyed at once calls nobody', async (harness) => {
    listenAt(harness, 'election');
    await harness.settle();
    const { connection, handler } = dial(harness, 'election');
    connection.destroy();
    await harness.settle();
    checkEqual(handler.calls, [], 'calls');
  });

  promise('both sides may close at once; neither is called', async (harness) => {
    const { near, far } = await connectedPair(harness);
    near.connection.close();
    far.connection.close();
    await harness.settle();
    checkEqual(near.handler.calls, ['opened'], 'near');
    checkEqual(far.handler.calls, [], 'far');
  });

  promise(
    'close and destroy may be repeated, and writes afterwards go nowhere',
    async (harness) => {
      const { near, far } = await connectedPair(harness);
      near.connection.close();
      near.connection.close();
      near.connection.write(pattern(10));
      near.connection.destroy();
      near.connection.destroy();
      await harness.until(() => far.handler.reason !== null, 'the end');
      checkEqual(far.handler.receivedBytes, 0, 'bytes written after close');
    },
  );

  promise('a paused connection receives nothing; resumed, it misses nothing', async (harness) => {
    const { near, far } = await connectedPair(harness);
    far.connection.pause();
    near.connection.write(pattern(1000));
    await harness.settle();
    checkEqual(far.handler.receivedBytes, 0, 'received while paused');
    far.connection.resume();
    near.connection.write(pattern(500, 1));
    await harness.until(() => far.handler.receivedBytes === 1500, 'all bytes');
    checkBytes(far.handler.bytes, concat([pattern(1000), pattern(500, 1)]), 'order');
  });

  promise(
    'a paused connection hears of the end when it is resumed, after the bytes before it',
    async (harness) => {
      const { near, far } = await connectedPair(harness);
      far.connection.pause();
      near.connection.write(pattern(1000));
      near.connection.close();
      await harness.settle();
      checkEqual(far.handler.calls, [], 'calls while paused');
      far.connection.resume();
      await harness.until(() => far.handler.reason !== null, 'the end');
      checkEqual(far.handler.reason, { kind: 'ended' }, 'reason');
      checkBytes(far.handler.bytes, pattern(1000), 'what came before the end');
    },
  );

  promise('so does one that has read all there was', async (harness) => {
    const { near, far } = await connectedPair(harness);
    near.connection.write(pattern(10));
    await harness.until(() => far.handler.receivedBytes === 10, 'the bytes');
    far.connection.pause();
    near.connection.close();
    await harness.settle();
    checkEqual(far.handler.reason, null, 'reason while paused');
    far.connection.write(pattern(10));
    far.connection.resume();
    await harness.until(() => far.handler.reason !== null, 'the end');
    check(near.handler.reason === null, 'the side that closed was called');
  });

  promise('one that is not paused hears of the end at once', async (harness) => {
    const { near, far } = await connectedPair(harness, 'quorum');
    near.connection.close();
    await harness.until(() => far.handler.reason !== null, 'the end');
    checkEqual(far.handler.calls, ['closed'], 'calls');
  });

  promise('a paused reader is felt by the writer', async (harness) => {
    const { near, far } = await connectedPair(harness);
    far.connection.pause();
    const total = 48;
    const mebibyte = pattern(1024 * 1024);
    let written = 0;
    // A transport may swallow some MiB of its own; it may not swallow for ever.
    while (written < total) {
      written++;
      if (near.connection.write(mebibyte)) continue;
      await harness.settle();
      if (near.connection.bufferedBytes > 0) break;
    }
    check(
      near.connection.bufferedBytes > 0,
      `${total} MiB went out to a reader that does not read`,
    );
    checkEqual(far.handler.receivedBytes, 0, 'received while paused');
    far.connection.resume();
    await harness.until(
      () => far.handler.receivedBytes === written * mebibyte.length,
      'all bytes after resume',
    );
    await harness.until(() => near.connection.bufferedBytes === 0, 'an empty queue');
    checkEqual(near.handler.calls.at(-1), 'drained', 'last call to the writer');
  });

  promise('drained comes after write answered false, with an empty queue', async (harness) => {
    const { near, far } = await connectedPair(harness);
    check(near.connection.write(pattern(10)), 'ten bytes filled the queue');
    await harness.settle();
    checkEqual(near.handler.count('drained'), 0, 'drained although nobody was told to wait');
    let answer = true;
    let writtenBytes = 10;
    for (let count = 0; answer && count < 64; count++) {
      answer = near.connection.write(pattern(1024 * 1024));
      writtenBytes += 1024 * 1024;
    }
    check(!answer, 'write never answered false');
    check(near.connection.bufferedBytes > 0, 'nothing is buffered after write answered false');
    await harness.until(() => near.handler.count('drained') === 1, 'drained');
    checkEqual(near.connection.bufferedBytes, 0, 'bufferedBytes when drained');
    await harness.until(() => far.handler.receivedBytes === writtenBytes, 'all bytes');
  });

  promise('an empty write does nothing', async (harness) => {
    const { near, far } = await connectedPair(harness);
    check(near.connection.write(new Uint8Array()), 'an empty write filled the queue');
    near.connection.write(pattern(3));
    await harness.until(() => far.handler.receivedBytes === 3, 'three bytes');
  });

  promise('a closed listener accepts no more; what it accepted lives on', async (harness) => {
    const { accepted, listener } = listenAt(harness, 'client');
    await harness.settle();
    const first = dial(harness, 'client');
    await harness.until(() => accepted.length === 1, 'the first connection');
    listener.close();
    await harness.settle();
    const second = dial(harness, 'client');
    await harness.until(() => second.handler.reason !== null, 'a refusal');
    checkEqual(second.handler.reason?.kind, 'refused', 'second dial');
    first.connection.write(pattern(5));
    await harness.until(() => accepted[0]?.handler.receivedBytes === 5, 'bytes on the old one');
    checkEqual(accepted.length, 1, 'accepted');
  });

  promise('a port can be listened on again after it was closed', async (harness) => {
    listenAt(harness, 'client').listener.close();
    await harness.settle();
    const { accepted, failures } = listenAt(harness, 'client');
    await harness.settle();
    checkEqual(failures, [], 'failures');
    dial(harness, 'client');
    await harness.until(() => accepted.length === 1, 'a connection');
  });

  promise('a port that is taken fails, once, and not inside the call', async (harness) => {
    const first = listenAt(harness, 'quorum');
    await harness.settle();
    const second = listenAt(harness, 'quorum');
    checkEqual(second.failures, [], 'failures inside listen');
    await harness.until(() => second.failures.length > 0, 'a failure');
    await harness.settle();
    checkEqual(second.failures.length, 1, 'failures');
    dial(harness, 'quorum');
    await harness.until(() => first.accepted.length === 1, 'the first listener still accepts');
    checkEqual(second.accepted.length, 0, 'accepted by the one that failed');
  });

  promise('twenty connections at once keep their streams apart', async (harness) => {
    const { accepted } = listenAt(harness, 'election');
    await harness.settle();
    const ends = Array.from({ length: 20 }, () => dial(harness, 'election'));
    ends.forEach(({ connection }, index) => {
      for (let part = 0; part < 10; part++) connection.write(new Uint8Array(100).fill(index));
    });
    await harness.until(
      () => accepted.length === 20 && accepted.every((end) => end.handler.receivedBytes === 1000),
      'all bytes',
    );
    const senders = accepted.map(({ handler }) => {
      check(new Set(handler.bytes).size === 1, 'two streams were mixed');
      return handler.bytes[0] ?? -1;
    });
    checkEqual(new Set(senders).size, 20, 'streams');
    checkEqual(new Set(ends.map((end) => end.connection.id)).size, 20, 'ids of the dialler');
    checkEqual(new Set(accepted.map((end) => end.connection.id)).size, 20, 'ids of the accepter');
  });

  promise('a handler may answer, dial and close from inside its calls', async (harness) => {
    const echoed: Uint8Array[] = [];
    harness.far.listen(
      'client',
      harness.farAddress('client'),
      (connection) => ({
        opened: () => {},
        received: (bytes) => void connection.write(bytes),
        drained: () => {},
        closed: () => {},
      }),
      () => {},
    );
    await harness.settle();
    let secondClosed = false;
    const second = {
      opened: () => {},
      received: (bytes: Uint8Array) => {
        echoed.push(bytes);
        inner?.close();
        secondClosed = true;
      },
      drained: () => {},
      closed: () => check(false, 'called after its own close'),
    };
    let inner: Connection | null = null;
    const outer: Connection = harness.near.connect(harness.farAddress('client'), 'client', {
      opened: () => void outer.write(pattern(4)),
      received: () => {
        inner = harness.near.connect(harness.farAddress('client'), 'client', second);
        inner.write(pattern(7));
        outer.destroy();
      },
      drained: () => {},
      closed: () => check(false, 'called after its own destroy'),
    });
    await harness.until(() => secondClosed, 'the second echo');
    await harness.settle();
    check(echoed.length > 0, 'no echo');
  });
}
