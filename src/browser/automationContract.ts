/**
 * `window.tabkeeper` as a type: what anybody's browser tests may rely on. Plain values only (numbers, strings), so that
 * they cross from page to test as they are. Types only: whoever tests a page needs no more of it.
 */

import type { ZooKeeper } from '../client/zooKeeper.ts';
import type { ProbeRecord, ProbeTopic, ServerState } from '../ports/probe.ts';

export interface AutomationStatus {
  readonly sid: number;
  readonly state: ServerState;
  /** The leader's sid; null while there is none. */
  readonly leader: number | null;
  readonly epoch: number;
  /** `0x` and hex, as ZooKeeper prints it. */
  readonly zxid: string;
  /** The voters' sids. */
  readonly servers: readonly number[];
  readonly serving: boolean;
  /** Why the server runs no more, or null. */
  readonly stopped: string | null;
}

export interface AutomationMember {
  readonly sid: number;
  readonly presence: string;
  readonly state: ServerState | null;
  readonly link: { readonly state: string; readonly via: string | null } | null;
}

export interface Automation {
  status(): AutomationStatus;
  members(): readonly AutomationMember[];
  /** The ZooKeeper client of this tab's own server; a new one once its session has expired. */
  readonly client: ZooKeeper;
  /** The last events of this tab's server and room. */
  readonly events: readonly ProbeRecord[];
  /** Asks for more topics of events. */
  watch(topics: readonly ProbeTopic[]): void;
  stop(): void;
  start(): void;
}

declare global {
  var tabkeeper: Automation | undefined;
}
