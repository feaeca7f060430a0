/**
 * What one role of a server (looking, leading, following, observing) may touch of the world, so that nothing of it
 * outlives it: its timers, its sockets, its listeners, and the answers it waits for from the disk. The next role
 * begins only when this one's scope is closed and drained.
 */

import { assert } from '../base/assert.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Connection, ConnectionHandler, Listener, Network } from '../ports/network.ts';
import type { World } from '../ports/world.ts';
import type { StorageDone, StorageError } from '../storage/storageError.ts';

export class RoleScope {
  /** The world with a clock whose timers and a network whose sockets and listeners end with the role. */
  readonly world: World;
  readonly #diskFailed: (error: StorageError) => void;
  readonly #timers = new Set<Timer>();
  readonly #connections = new Set<Connection>();
  readonly #listeners = new Set<Listener>();
  #answersAwaited = 0;
  #drained: (() => void) | null = null;
  #open = true;

  /** `diskFailed` hears of every failed disk operation, also of one whose role has ended by then. */
  constructor(world: World, diskFailed: (error: StorageError) => void) {
    this.#diskFailed = diskFailed;
    const { disk, random, probe } = world;
    this.world = {
      clock: this.#scopedClock(world.clock),
      network: this.#scopedNetwork(world.network),
      disk,
      random,
      probe,
    };
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /**
   * A completion for a disk operation: `then` runs if it succeeded and the role still lives. A failure is the whole
   * server's, unless `refused` takes it (true) as one it can live with.
   */
  answer<T>(
    then: (value: T) => void,
    refused: (error: StorageError) => boolean = () => false,
  ): StorageDone<T> {
    this.#answersAwaited += 1;
    return (result) => {
      this.#answersAwaited -= 1;
      if (result.ok) {
        if (this.#open) then(result.value);
      } else if (!this.#open || !refused(result.error)) {
        this.#diskFailed(result.error);
      }
      this.#tellIfDrained();
    };
  }

  /**
   * Ends the role: no timer of it fires any more, its sockets are closed in order (what was written still goes out).
   * `drained` is called when the last disk operation it waited for has been answered; possibly at once.
   */
  close(drained: () => void): void {
    assert(this.#open, 'a role ends once');
    this.#open = false;
    this.#drained = drained;
    for (const listener of this.#listeners) listener.close();
    for (const connection of this.#connections) connection.close();
    for (const timer of this.#timers) timer.cancel();
    this.#listeners.clear();
    this.#connections.clear();
    this.#timers.clear();
    this.#tellIfDrained();
  }

  #tellIfDrained(): void {
    if (this.#open || this.#answersAwaited > 0 || this.#drained === null) return;
    const drained = this.#drained;
    this.#drained = null;
    drained();
  }

  #scopedClock(clock: Clock): Clock {
    const track = (start: (task: () => void) => Timer, task: () => void): Timer => {
      if (!this.#open) return DEAD_TIMER;
      const timer = start(() => {
        this.#timers.delete(timer);
        task();
      });
      this.#timers.add(timer);
      return {
        cancel: () => {
          this.#timers.delete(timer);
          timer.cancel();
        },
      };
    };
    return {
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      after: (delayMs, task) => track((run) => clock.after(delayMs, run), task),
      soon: (task) => track((run) => clock.soon(run), task),
    };
  }

  #scopedNetwork(network: Network): Network {
    return {
      listen: (port, address, accept, failed) => {
        const listener = network.listen(
          port,
          address,
          (connection) => {
            const own = this.#track(connection);
            return this.#untrackWhenClosed(() => connection, accept(own));
          },
          (reason) => {
            if (this.#open) failed(reason);
          },
        );
        this.#listeners.add(listener);
        return {
          close: () => {
            this.#listeners.delete(listener);
            listener.close();
          },
        };
      },
      connect: (address, port, handler) => {
        const connection = network.connect(
          address,
          port,
          this.#untrackWhenClosed(() => connection, handler),
        );
        return this.#track(connection);
      },
    };
  }

  #track(connection: Connection): Connection {
    this.#connections.add(connection);
    return {
      id: connection.id,
      remoteAddress: connection.remoteAddress,
      get bufferedBytes() {
        return connection.bufferedBytes;
      },
      write: (bytes) => connection.write(bytes),
      pause: () => {
        connection.pause();
      },
      resume: () => {
        connection.resume();
      },
      close: () => {
        this.#connections.delete(connection);
        connection.close();
      },
      destroy: () => {
        this.#connections.delete(connection);
        connection.destroy();
      },
    };
  }

  #untrackWhenClosed(connection: () => Connection, handler: ConnectionHandler): ConnectionHandler {
    return {
      opened: () => {
        handler.opened();
      },
      received: (bytes) => {
        handler.received(bytes);
      },
      drained: () => {
        handler.drained();
      },
      closed: (reason) => {
        this.#connections.delete(connection());
        handler.closed(reason);
      },
    };
  }
}

const DEAD_TIMER: Timer = { cancel: () => undefined };
