import { describe, expect, test } from 'vitest';
import { parseQuorumVerifier } from '../../../src/config/configText.ts';
import type { ProbeEvent } from '../../../src/ports/probe.ts';
import { DiskHistory } from '../../../src/sim/diskHistory.ts';
import { InvariantViolation } from '../../../src/sim/invariantChecks.ts';
import { Invariants } from '../../../src/sim/invariants.ts';
import { Simulation } from '../../../src/sim/simWorld.ts';
import { epoch, makeZxid, sessionId, sid, zxid } from '../../../src/wire/ids.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { PacketType } from '../../../src/wire/quorumPackets.ts';

const at = (inEpoch: number, counter: number) => makeZxid(epoch(inEpoch), BigInt(counter));

/** Three servers that do nothing by themselves: the test plays their parts. */
function stage() {
  const simulation = new Simulation(1);
  const verifier = parseQuorumVerifier(
    ['server.1=a:1:2', 'server.2=b:1:2', 'server.3=c:1:2'].join('\n'),
  );
  const invariants = new Invariants(simulation, verifier);
  const machines = [1, 2, 3].map((number) => {
    const machine = simulation.machine(`server-${number}`, sid(number));
    invariants.watch(machine);
    machine.boot();
    return machine;
  });
  const machine = (number: number) => {
    const found = machines[number - 1];
    if (found === undefined) throw new Error(`no server ${number}`);
    return found;
  };
  const emit = (number: number, event: ProbeEvent) => machine(number).world?.probe.emit(event);
  const proposed = new Set<bigint>();
  /** Server 1 leads every epoch, and proposes what is not proposed yet. */
  const propose = (entry: bigint): void => {
    if (proposed.has(entry)) return;
    const led = [...proposed].some((other) => other >> 32n === entry >> 32n);
    const supporters = [sid(1), sid(2)];
    if (!led)
      emit(1, { topic: 'zab', type: 'established', epoch: epoch(entry >> 32n), supporters });
    proposed.add(entry);
    emit(1, {
      topic: 'txn',
      type: 'proposed',
      zxid: zxid(entry),
      sessionId: sessionId(0n),
      txnType: OpCode.create,
    });
  };
  return {
    simulation,
    invariants,
    machine,
    emit,
    propose,
    /** Server `number` logs a transaction durably. */
    log: (number: number, entry: bigint, body = 7) => {
      propose(entry);
      const disk = machine(number).world?.disk;
      disk?.append('log.1', record(entry, body));
      disk?.flush(() => {});
      simulation.time.runFor(10);
    },
    write: (number: number, name: string, text: string) => {
      machine(number).world?.disk.replace(name, [new TextEncoder().encode(text)], () => {});
      simulation.time.runFor(10);
    },
    commit: (by: number, entry: bigint, supporters: readonly number[]) =>
      machine(by).world?.probe.emit({
        topic: 'txn',
        type: 'committed',
        zxid: zxid(entry),
        supporters: supporters.map(sid),
      }),
  };
}

/** A log record as ZooKeeper writes it. */
function record(entry: bigint, body: number): Uint8Array {
  const length = 33;
  const bytes = new Uint8Array(12 + length + 1);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(1000 + body));
  view.setInt32(8, length);
  view.setBigInt64(12 + 12, entry);
  bytes[12 + 32] = body;
  bytes[12 + length] = 0x42;
  return bytes;
}

const HEADER = new Uint8Array(16);

test('what a new leader brings along inside a snapshot is agreed upon with it, as what it has logged', () => {
  const { invariants, machine, emit, log, write } = stage();
  for (const number of [1, 2]) machine(number).world?.disk.append('log.1', HEADER);
  log(1, at(1, 1));
  emit(1, {
    topic: 'zab',
    type: 'syncChosen',
    learner: sid(2),
    sync: 'SNAP',
    learnerZxid: zxid(0n),
    leaderZxid: at(1, 1),
    minCommittedLog: zxid(0n),
    maxCommittedLog: zxid(0n),
    proposalCount: 0,
    reason: 'it has to',
  });
  write(2, 'snapshot.100000001', 'a tree');
  emit(2, {
    topic: 'storage',
    type: 'snapshotInstalled',
    file: 'snapshot.100000001',
    zxid: at(1, 1),
    sizeBytes: 6,
    superseded: [],
  });
  expect(invariants.committed).toEqual([]);
  emit(2, { topic: 'zab', type: 'established', epoch: epoch(2), supporters: [sid(2), sid(3)] });
  expect(invariants.committed).toEqual([at(1, 1)]);
});

test('a cut that was under way at a crash, and came to its end, is no longer counted as on disk', () => {
  const outcomes = new Set<boolean>();
  for (let seed = 1; seed <= 20; seed++) {
    const simulation = new Simulation(seed);
    const machine = simulation.machine('a', sid(1));
    const { disk } = machine.boot();
    const history = new DiskHistory(machine.disk);
    machine.disk.watch((change) => void history.update(change));
    disk.append('log.1', HEADER);
    disk.append('log.1', record(at(1, 1), 1));
    disk.flush(() => {});
    simulation.time.runFor(10);
    expect(history.holds(at(1, 1))).toBe(true);
    disk.truncate('log.1', HEADER.length, () => {});
    machine.crash('silent');
    const isThere = machine.disk.durable('log.1')?.length !== HEADER.length;
    expect(history.holds(at(1, 1))).toBe(isThere);
    outcomes.add(isThere);
  }
  expect(outcomes.size).toBe(2);
});

describe('the checker finds', () => {
  test('two leaders of one epoch', () => {
    const { emit } = stage();
    const established = {
      topic: 'zab',
      type: 'established',
      epoch: epoch(1),
      supporters: [sid(1), sid(2)],
    } as const;
    emit(1, established);
    expect(() => emit(2, established)).toThrow(InvariantViolation);
  });

  test('an acknowledgement before its transaction is durable', () => {
    const { simulation, machine, emit, log } = stage();
    machine(2).world?.disk.append('log.1', HEADER);
    const ack = (entry: bigint) =>
      ({
        topic: 'packet',
        type: 'sent',
        connection: 1,
        peer: sid(1),
        offsetBytes: 0,
        packetType: PacketType.ACK,
        zxid: zxid(entry),
        data: null,
        dataBytes: 0,
      }) as const;
    log(2, at(1, 1));
    emit(2, ack(at(1, 1)));
    machine(2).world?.disk.append('log.1', record(at(1, 2), 1));
    simulation.time.runFor(10);
    expect(() => emit(2, ack(at(1, 2)))).toThrow(/not on its disk/);
  });

  test('a commit that a quorum does not have on disk', () => {
    const { machine, log, commit } = stage();
    for (const number of [1, 2, 3]) machine(number).world?.disk.append('log.1', HEADER);
    log(1, at(1, 1));
    log(2, at(1, 1));
    commit(1, at(1, 1), [1, 2]);
    log(1, at(1, 2));
    expect(() => commit(1, at(1, 2), [1, 2])).toThrow(/only \[1\] have it on disk/);
  });

  test('a committed transaction that is lost from too many disks', () => {
    const { simulation, invariants, machine, log, commit } = stage();
    for (const number of [1, 2]) {
      machine(number).world?.disk.append('log.1', HEADER);
      log(number, at(1, 1));
    }
    commit(1, at(1, 1), [1, 2]);
    invariants.checkCommittedDurable();
    machine(2).world?.disk.truncate('log.1', 16, () => {});
    expect(() => simulation.time.runFor(10)).toThrow(/only on the disks of \[1\]/);
    expect(() => invariants.checkCommittedDurable()).toThrow(/only on the disks of \[1\]/);
  });

  test('a new leader without a committed transaction', () => {
    const { machine, emit, log, commit } = stage();
    for (const number of [1, 2]) {
      machine(number).world?.disk.append('log.1', HEADER);
      log(number, at(1, 1));
    }
    commit(1, at(1, 1), [1, 2]);
    expect(() =>
      emit(3, { topic: 'zab', type: 'established', epoch: epoch(2), supporters: [] }),
    ).toThrow(/without the committed/);
  });

  test('other bytes at one and the same zxid', () => {
    const { machine, log } = stage();
    for (const number of [1, 2]) machine(number).world?.disk.append('log.1', HEADER);
    log(1, at(1, 1), 5);
    expect(() => log(2, at(1, 1), 6)).toThrow(/other bytes/);
  });

  test('epochs that go back, and a current one above the accepted one', () => {
    const first = stage();
    first.write(1, 'acceptedEpoch', '4');
    expect(() => first.write(1, 'acceptedEpoch', '3')).toThrow(/goes back/);
    const second = stage();
    second.write(1, 'acceptedEpoch', '4');
    second.write(1, 'currentEpoch', '4');
    expect(() => second.write(1, 'currentEpoch', '5')).toThrow(/above acceptedEpoch/);
  });

  test('currentEpoch written before the history it stands for', () => {
    const { emit, write } = stage();
    write(1, 'acceptedEpoch', '2');
    emit(1, {
      topic: 'zab',
      type: 'syncChosen',
      learner: sid(2),
      sync: 'DIFF',
      learnerZxid: zxid(0n),
      leaderZxid: at(1, 3),
      minCommittedLog: at(1, 1),
      maxCommittedLog: at(1, 3),
      proposalCount: 3,
      reason: 'test',
    });
    write(2, 'acceptedEpoch', '2');
    expect(() => write(2, 'currentEpoch', '2')).toThrow(/without 0x100000003 on disk/);
  });

  describe('when a server applies', () => {
    const applied = (counter: number) =>
      ({
        topic: 'txn',
        type: 'applied',
        zxid: at(1, counter),
        sessionId: sessionId(1n),
        txnType: OpCode.create,
        path: '/a',
      }) as const;

    test('transactions out of order', () => {
      const { emit, propose } = stage();
      for (const counter of [1, 2]) propose(at(1, counter));
      emit(1, applied(1));
      emit(1, applied(2));
      expect(() => emit(1, applied(2))).toThrow(/applies/);
    });

    test('what no leader has proposed', () => {
      const { emit, propose } = stage();
      propose(at(1, 1));
      expect(() => emit(2, applied(2))).toThrow(/no leader has proposed/);
    });

    test('and leaves out what is committed', () => {
      const { machine, emit, propose, log, commit } = stage();
      for (const number of [1, 2]) machine(number).world?.disk.append('log.1', HEADER);
      for (const counter of [1, 2, 3]) {
        log(1, at(1, counter));
        log(2, at(1, counter));
        commit(1, at(1, counter), [1, 2]);
      }
      propose(at(1, 4));
      emit(3, applied(1));
      expect(() => emit(3, applied(3))).toThrow(/left out 0x100000002/);
    });
  });

  test('a leader that proposes before it has applied what is committed', () => {
    const { machine, propose, log, commit } = stage();
    for (const number of [1, 2]) machine(number).world?.disk.append('log.1', HEADER);
    log(1, at(1, 1));
    log(2, at(1, 1));
    commit(1, at(1, 1), [1, 2]);
    expect(() => propose(at(2, 1))).toThrow(/without having applied the committed 0x100000001/);
  });

  describe('an epoch', () => {
    const supporters = [sid(1), sid(2)];

    test('that is made of less than a quorum’s', () => {
      const { emit } = stage();
      const proposed = { topic: 'zab', type: 'epochProposed', epoch: epoch(3) } as const;
      emit(1, { ...proposed, supporters });
      expect(() => emit(1, { ...proposed, supporters: [sid(1)] })).toThrow(/no quorum/);
    });

    test('that a quorum has not on disk when it counts as accepted', () => {
      const { emit, write } = stage();
      const acked = { topic: 'zab', type: 'epochAcked', epoch: epoch(3), supporters } as const;
      write(1, 'acceptedEpoch', '3');
      write(2, 'acceptedEpoch', '2');
      expect(() => emit(1, acked)).toThrow(/only \[1\] have it on disk/);
    });

    test('that a quorum accepts for two servers', () => {
      const { emit, write } = stage();
      const acked = { topic: 'zab', type: 'epochAcked', epoch: epoch(3), supporters } as const;
      for (const number of [1, 2]) write(number, 'acceptedEpoch', '3');
      emit(1, acked);
      expect(() => emit(2, acked)).toThrow(/epoch 3 is accepted for 2 after 1/);
    });

    test('whose leader is established by less than a quorum', () => {
      const { emit } = stage();
      const established = { topic: 'zab', type: 'established', epoch: epoch(3) } as const;
      expect(() => emit(1, { ...established, supporters: [sid(1)] })).toThrow(/no quorum/);
    });
  });

  test('a tree that is not its leader’s', () => {
    const { emit } = stage();
    expect(() =>
      emit(2, {
        topic: 'storage',
        type: 'digestMismatch',
        zxid: at(1, 4),
        expected: 1n,
        actual: 2n,
      }),
    ).toThrow(/another tree/);
  });

  test('a write answered before it is committed', () => {
    const { emit } = stage();
    expect(() =>
      emit(1, {
        topic: 'request',
        type: 'replied',
        sessionId: sessionId(1n),
        connection: 1,
        xid: 1,
        op: OpCode.create,
        zxid: at(1, 1),
        errorCode: 0,
        tookMs: 1,
      }),
    ).toThrow(/answers a write/);
  });
});

test('a disk is read as a restart would read it: whole records only, snapshots, epochs', () => {
  const simulation = new Simulation(3);
  const machine = simulation.machine('a', sid(1));
  const history = new DiskHistory(machine.disk);
  machine.disk.watch((change) => history.update(change));
  const disk = machine.boot().disk;
  disk.append('log.100000001', HEADER);
  disk.append('log.100000001', record(at(1, 1), 1));
  disk.append('log.100000001', record(at(1, 2), 1).slice(0, 30));
  disk.flush(() => {});
  disk.replace('snapshot.100000000', [new Uint8Array(5)], () => {});
  disk.replace('currentEpoch', [new TextEncoder().encode('12')], () => {});
  simulation.time.runFor(10);
  expect([...history.entries.keys()]).toEqual([at(1, 1)]);
  expect(history.lastZxid).toBe(at(1, 1));
  expect(history.snapshotZxid).toBe(at(1, 0));
  expect(history.currentEpoch).toBe(12n);
  disk.append('log.100000001', record(at(1, 2), 1).slice(30));
  disk.flush(() => {});
  simulation.time.runFor(10);
  expect(history.holds(at(1, 2))).toBe(true);
  disk.truncate('log.100000001', 16, () => {});
  simulation.time.runFor(10);
  expect(history.lastZxid).toBe(at(1, 0));
  expect(history.holds(at(1, 1))).toBe(false);
});
