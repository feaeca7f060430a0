/** Listens on one election address and tries again where that fails (`QuorumCnxManager.Listener`). */

import type { Clock, Timer } from '../ports/clock.ts';
import type {
  Address,
  Connection,
  ConnectionHandler,
  Listener,
  Network,
} from '../ports/network.ts';

/** Pause between two tries (`ListenerHandler.acceptConnections`). */
const BIND_RETRY_PAUSE_MS = 1_000;

type State =
  | { readonly kind: 'listening'; readonly listener: Listener }
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'closed' };

export class ElectionListener {
  readonly #clock: Clock;
  readonly #network: Network;
  readonly #address: Address;
  readonly #accept: (connection: Connection) => ConnectionHandler;
  readonly #gaveUp: (reason: string) => void;
  readonly #maxTryCount: number;
  #tryCount = 0;
  #state: State;

  /** @param maxTryCount tries in a row before `gaveUp` is called; 0: never */
  constructor(
    clock: Clock,
    network: Network,
    address: Address,
    maxTryCount: number,
    accept: (connection: Connection) => ConnectionHandler,
    gaveUp: (reason: string) => void,
  ) {
    this.#clock = clock;
    this.#network = network;
    this.#address = address;
    this.#maxTryCount = maxTryCount;
    this.#accept = accept;
    this.#gaveUp = gaveUp;
    this.#state = this.#listen();
  }

  close(): void {
    if (this.#state.kind === 'listening') this.#state.listener.close();
    if (this.#state.kind === 'waiting') this.#state.timer.cancel();
    this.#state = { kind: 'closed' };
  }

  #listen(): State {
    const listener = this.#network.listen(
      'election',
      this.#address,
      (connection) => {
        this.#tryCount = 0;
        return this.#accept(connection);
      },
      (reason) => this.#failed(reason),
    );
    return { kind: 'listening', listener };
  }

  #failed(reason: string): void {
    if (this.#state.kind === 'closed') return;
    this.#tryCount++;
    if (this.#maxTryCount > 0 && this.#tryCount >= this.#maxTryCount) {
      this.#state = { kind: 'closed' };
      this.#gaveUp(
        `cannot listen at ${this.#address} for elections after ${this.#tryCount} tries: ${reason}`,
      );
      return;
    }
    const timer = this.#clock.after(BIND_RETRY_PAUSE_MS, () => {
      this.#state = this.#listen();
    });
    this.#state = { kind: 'waiting', timer };
  }
}
