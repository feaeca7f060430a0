/** Our servers set up like the captured ones say the same bytes for the same votes. */

import { describe, expect, it } from 'vitest';
import { parseQuorumVerifier } from '../../../src/config/configText.ts';
import { makePeerConfig } from '../../../src/config/makePeerConfig.ts';
import { createElectionAlgorithm } from '../../../src/election/createElectionAlgorithm.ts';
import type { Connection, ConnectionHandler, Network } from '../../../src/ports/network.ts';
import { Simulation } from '../../../src/sim/simWorld.ts';
import { sid } from '../../../src/wire/ids.ts';
import { goldenFiles, toHex } from '../wire/goldenFiles.ts';
import { ElectingPeer } from './electingPeer.ts';

interface Direction {
  readonly preamble?: { readonly hex: string; readonly protocolVersion: string };
  readonly messages: readonly Message[];
}
interface Message {
  readonly hex: string;
  readonly config: string;
  readonly stateName: string;
  readonly zxid: string;
  readonly electionEpoch: string;
  readonly peerEpoch: string;
}
interface Capture {
  readonly connections: readonly {
    readonly initiatorToAcceptor: Direction;
    readonly acceptorToInitiator: Direction;
  }[];
}

/** Writes down, chunk by chunk, what a server says on all its connections. */
function recording(network: Network, said: string[]): Network {
  const record = (connection: Connection): Connection =>
    new Proxy(connection, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (key === 'write' && args[0] instanceof Uint8Array) said.push(toHex(args[0]));
          return Reflect.apply(value, target, args);
        };
      },
    });
  return {
    listen: (port, address, accept, failed) =>
      network.listen(port, address, (connection) => accept(record(connection)), failed),
    connect: (address, port, handler: ConnectionHandler) =>
      record(network.connect(address, port, handler)),
  };
}

const PAUSE_MS = 50;

/** Cold starts of the empty servers in `configText`, once in each order; all they say, preambles and framed messages. */
function coldStarts(configText: string, multiAddressEnabled: boolean): Set<string> {
  const quorumVerifier = parseQuorumVerifier(configText);
  const said: string[] = [];
  for (const order of permutations([...quorumVerifier.votingMembers.keys()])) {
    const simulation = new Simulation(1);
    // The captured servers all stand on one host, so that one machine's network serves them here.
    const { network, ...rest } = simulation.machine('127.0.0.1', sid(0)).boot();
    const world = { ...rest, network: recording(network, said) };
    const peers = order.map((number) => {
      const peer = new ElectingPeer(Number(number), quorumVerifier);
      const limits = { initLimit: 10, syncLimit: 5, dataDir: 'data' };
      const config = makePeerConfig({
        sid: number,
        quorumVerifier,
        multiAddressEnabled,
        ...limits,
      });
      const election = createElectionAlgorithm(world, config, peer);
      election.start();
      election.lookForLeader(peer.done);
      simulation.time.runFor(PAUSE_MS);
      return peer;
    });
    const elected = (): boolean => peers.every(({ state }) => state !== 'LOOKING');
    expect(simulation.time.runUntil(elected, 5_000)).toBe(true);
  }
  return new Set(said);
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}

const isFirstVote = (message: Message): boolean =>
  message.stateName === 'LOOKING' &&
  message.zxid === '0' &&
  message.electionEpoch === '1' &&
  message.peerEpoch === '0' &&
  message.config.endsWith('version=0');

describe('elections captured from ZooKeeper', () => {
  it.each(goldenFiles('election').map(({ name, content }) => [name, content as Capture] as const))(
    '%s: every preamble and every vote of empty servers in it is said by ours in the same bytes',
    (_name, { connections }) => {
      const directions = connections.flatMap((one) => [
        one.initiatorToAcceptor,
        one.acceptorToInitiator,
      ]);
      const votes = directions.flatMap(({ messages }) => messages.filter(isFirstVote));
      for (const config of new Set(votes.map((vote) => vote.config))) {
        const voters = parseQuorumVerifier(config).votingMembers;
        const preambles = directions
          .filter(({ messages }) => messages.some((message) => message.config === config))
          .flatMap(({ preamble }) => (preamble === undefined ? [] : [preamble]))
          .filter(({ hex }) => voters.has(sid(BigInt(`0x${hex.slice(16, 32)}`))));
        const list = preambles.some(({ protocolVersion }) => protocolVersion === '-65535');
        const ours = coldStarts(config, list);
        const theirs = [...preambles, ...votes.filter((vote) => vote.config === config)];
        expect(theirs.map(({ hex }) => hex).filter((hex) => !ours.has(hex))).toEqual([]);
      }
    },
  );

  it('have such votes to compare with', () => {
    const all = goldenFiles('election').flatMap(({ content }) => (content as Capture).connections);
    const votes = all.flatMap((one) => one.initiatorToAcceptor.messages.filter(isFirstVote));
    expect(votes.length).toBeGreaterThan(0);
  });
});
