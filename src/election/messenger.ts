/** Votes to messages and back, with the configuration that travels along (`FastLeaderElection.Messenger`). */

import { ConfigError } from '../config/configError.ts';
import { parseQuorumVerifier } from '../config/configText.ts';
import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import type { Probe, ServerState } from '../ports/probe.ts';
import {
  decodeNotification,
  encodeNotification,
  type Notification,
} from '../wire/electionMessages.ts';
import type { Sid } from '../wire/ids.ts';
import { JuteError } from '../wire/jute.ts';
import type { ElectionChannel } from './electionChannel.ts';
import type { ElectionPeer } from './electionPeer.ts';
import { voteView, type Proposal } from './vote.ts';

/** A notification and who sent it. */
export interface Received {
  readonly from: Sid;
  readonly notification: Notification;
}

export class Messenger {
  readonly #probe: Probe;
  readonly #peer: ElectionPeer;
  readonly #channel: ElectionChannel;

  constructor(probe: Probe, peer: ElectionPeer, channel: ElectionChannel) {
    this.#probe = probe;
    this.#peer = peer;
    this.#channel = channel;
  }

  /** Tells a vote to some servers. */
  send(to: Iterable<Sid>, proposal: Proposal, round: bigint, state: ServerState): void {
    const message = encodeNotification({
      version: 2,
      state,
      leader: proposal.id,
      zxid: proposal.zxid,
      electionEpoch: round,
      peerEpoch: proposal.peerEpoch,
      config: this.#peer.quorumVerifier().toString(),
    });
    for (const sid of to) {
      if (sid !== this.#peer.sid && this.#probe.watches('election')) {
        const vote = voteView(proposal);
        this.#probe.emit({
          topic: 'election',
          type: 'notificationSent',
          peer: sid,
          state,
          vote,
          round,
        });
      }
      this.#channel.toSend(sid, message);
    }
  }

  /** Reads a message, or tells why it is impossible. */
  read(from: Sid, message: Uint8Array): Received | string {
    try {
      const received = { from, notification: decodeNotification(message) };
      this.#emitReceived(received);
      return received;
    } catch (error) {
      if (error instanceof JuteError) return error.message;
      throw error;
    }
  }

  /**
   * The sender's configuration if it is newer than ours, else null. One that cannot be read is told to the probe; the
   * vote beside it counts all the same, as in ZooKeeper.
   */
  newerConfig({ from, notification }: Received): QuorumVerifier | null {
    const ours = this.#peer.quorumVerifier();
    if (notification.config === null || notification.config === ours.toString()) return null;
    try {
      const theirs = parseQuorumVerifier(notification.config);
      return theirs.version > ours.version ? theirs : null;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.ignored(from, `its configuration cannot be read (its vote counts): ${error.message}`);
      return null;
    }
  }

  /** Tells the probe why something a server said has no effect. */
  ignored(from: Sid, reason: string): void {
    if (!this.#probe.watches('election')) return;
    this.#probe.emit({ topic: 'election', type: 'ignored', from, reason });
  }

  #emitReceived({ from, notification }: Received): void {
    if (from === this.#peer.sid || !this.#probe.watches('election')) return;
    const { state, leader, zxid, peerEpoch, electionEpoch } = notification;
    this.#probe.emit({
      topic: 'election',
      type: 'notificationReceived',
      peer: from,
      state,
      vote: { leader, zxid, peerEpoch },
      round: electionEpoch,
    });
  }
}
