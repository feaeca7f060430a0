import { describe, expect, test } from 'vitest';
import type { CloseReason, Connection, ConnectionHandler } from '../../../src/ports/network.ts';
import { DIAL_TIMEOUT_MS } from '../../../src/sim/simConnection.ts';
import { SimTime } from '../../../src/sim/simClock.ts';
import { SimRandom } from '../../../src/sim/simRandom.ts';
import { Simulation, type Machine } from '../../../src/sim/simWorld.ts';
import { sid } from '../../../src/wire/ids.ts';

class Ear implements ConnectionHandler {
  readonly heard: string[] = [];
  reason: CloseReason | null = null;
  text = '';
  opened(): void {
    this.heard.push('opened');
  }
  received(bytes: Uint8Array): void {
    this.text += new TextDecoder().decode(bytes);
  }
  drained(): void {
    this.heard.push('drained');
  }
  closed(reason: CloseReason): void {
    this.reason = reason;
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Two machines, `a` connected to `b`. */
function connected(seed = 1) {
  const simulation = new Simulation(seed);
  const a = simulation.machine('a', sid(1));
  const b = simulation.machine('b', sid(2));
  const accepted: { connection: Connection; ear: Ear }[] = [];
  const listen = (): void => {
    b.world?.network.listen(
      'quorum',
      'b:2888',
      (connection) => {
        const ear = new Ear();
        accepted.push({ connection, ear });
        return ear;
      },
      () => {},
    );
  };
  const worldA = a.boot();
  b.boot();
  listen();
  const ear = new Ear();
  const connection = worldA.network.connect('b:2888', 'quorum', ear);
  simulation.time.runFor(10);
  const far = accepted[0];
  if (far === undefined) throw new Error('no connection');
  return { simulation, a, b, listen, near: { connection, ear }, far, accepted };
}

function dialFrom(machine: Machine): Ear {
  const ear = new Ear();
  machine.world?.network.connect('b:2888', 'quorum', ear);
  return ear;
}

describe('virtual time', () => {
  test('events run in order of their time, those of one time as they were scheduled', () => {
    const time = new SimTime();
    const random = new SimRandom(7);
    const due: number[] = [];
    const ran: number[] = [];
    for (let index = 0; index < 500; index++) {
      const delayMs = random.integer(0, 40);
      due.push(delayMs * 1000 + index);
      time.schedule(delayMs, () => ran.push(delayMs * 1000 + index));
    }
    time.runFor(100);
    expect(ran).toEqual([...due].sort((left, right) => left - right));
    expect(time.nowMs).toBe(100);
  });

  test('a cancelled timer does not run, nor does one of an ended life', () => {
    const simulation = new Simulation(1);
    const machine = simulation.machine('a', sid(1));
    const { clock } = machine.boot();
    const ran: string[] = [];
    clock.after(5, () => ran.push('kept'));
    clock.after(5, () => ran.push('cancelled')).cancel();
    clock.after(20, () => ran.push('after the end'));
    simulation.time.runFor(10);
    machine.crash();
    simulation.time.runFor(100);
    expect(ran).toEqual(['kept']);
  });

  test('a frozen life catches up in order when it is thawed', () => {
    const simulation = new Simulation(1);
    const machine = simulation.machine('a', sid(1));
    const { clock } = machine.boot();
    const ran: [string, number][] = [];
    clock.after(5, () => ran.push(['first', clock.now()]));
    clock.after(7, () => ran.push(['second', clock.now()]));
    machine.freeze();
    simulation.time.runFor(50);
    expect(ran).toEqual([]);
    machine.thaw();
    simulation.time.runFor(1);
    expect(ran).toEqual([
      ['first', 50],
      ['second', 50],
    ]);
  });

  test('what comes at the moment of the thaw waits behind what came before it', () => {
    const simulation = new Simulation(1);
    const machine = simulation.machine('a', sid(1));
    const { clock } = machine.boot();
    const ran: string[] = [];
    machine.freeze();
    clock.run(() => ran.push('first'));
    clock.run(() => ran.push('second'));
    machine.thaw();
    clock.run(() => ran.push('third'));
    simulation.time.runFor(1);
    expect(ran).toEqual(['first', 'second', 'third']);
    clock.run(() => ran.push('fourth'));
    expect(ran.at(-1)).toBe('fourth');
  });

  test('a timer that is due while its life is frozen can still be cancelled', () => {
    const simulation = new Simulation(1);
    const machine = simulation.machine('a', sid(1));
    const { clock } = machine.boot();
    const ran: string[] = [];
    clock.after(1, () => {
      ran.push('first');
      late.cancel();
    });
    const late = clock.after(2, () => ran.push('cancelled'));
    machine.freeze();
    simulation.time.runFor(5);
    machine.thaw();
    simulation.time.runFor(1);
    expect(ran).toEqual(['first']);
  });

  test('a task that schedules itself for ever is found out', () => {
    const time = new SimTime();
    const again = (): void => void time.schedule(0, again);
    again();
    expect(() => time.runFor(1)).toThrow(/time stands still/);
  });
});

describe('chance', () => {
  test('the same seed and label give the same numbers, others give others', () => {
    const draw = (random: SimRandom) => Array.from({ length: 5 }, () => random.uint32());
    expect(draw(new SimRandom(3, 'x'))).toEqual(draw(new SimRandom(3, 'x')));
    expect(draw(new SimRandom(3, 'x'))).not.toEqual(draw(new SimRandom(4, 'x')));
    expect(draw(new SimRandom(3, 'x'))).not.toEqual(draw(new SimRandom(3, 'y')));
    const origin = new SimRandom(3);
    const fork = draw(origin.fork('disk'));
    origin.uint32();
    expect(draw(origin.fork('disk'))).toEqual(fork);
  });

  test('fractions spread over the whole interval', () => {
    const random = new SimRandom(11);
    const buckets = new Array<number>(10).fill(0);
    for (let index = 0; index < 10_000; index++) {
      const bucket = random.integer(0, 9);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe('links that fail', () => {
  test('what a partition holds back arrives in order when it heals', () => {
    const { simulation, near, far } = connected();
    simulation.network.partition(['a'], ['b']);
    near.connection.write(bytesOf('one '));
    simulation.time.runFor(1000);
    near.connection.write(bytesOf('two'));
    simulation.time.runFor(60_000);
    expect(far.ear.text).toBe('');
    expect(far.ear.reason).toBeNull();
    simulation.network.heal();
    simulation.time.runFor(10);
    expect(far.ear.text).toBe('one two');
  });

  test('a one-way block stops one direction only', () => {
    const { simulation, near, far } = connected();
    simulation.network.block('a', 'b');
    near.connection.write(bytesOf('there'));
    far.connection.write(bytesOf('back'));
    simulation.time.runFor(1000);
    expect(near.ear.text).toBe('back');
    expect(far.ear.text).toBe('');
  });

  test('a close during a partition is told when it heals, though its owner has forgotten it', () => {
    const { simulation, near, far } = connected();
    simulation.network.partition(['a'], ['b']);
    near.connection.write(bytesOf('last words'));
    near.connection.close();
    simulation.time.runFor(1000);
    expect(far.ear.reason).toBeNull();
    simulation.network.heal();
    simulation.time.runFor(10);
    expect(far.ear.text).toBe('last words');
    expect(far.ear.reason).toEqual({ kind: 'ended' });
  });

  test('a dial into a partition ends at its deadline, not before', () => {
    const { simulation, a } = connected();
    simulation.network.block('b', 'a');
    const ear = dialFrom(a);
    simulation.time.runFor(DIAL_TIMEOUT_MS - 100);
    expect(ear.reason).toBeNull();
    simulation.time.runFor(200);
    expect(ear.reason?.kind).toBe('refused');
  });

  test('a reset link breaks both ends at once', () => {
    const { simulation, near, far } = connected();
    simulation.network.reset('b', 'a');
    simulation.time.runFor(1);
    expect(near.ear.reason?.kind).toBe('broken');
    expect(far.ear.reason?.kind).toBe('broken');
  });
});

describe('servers that die', () => {
  test('a crashed process breaks its connections and refuses dials', () => {
    const { simulation, a, b, near } = connected();
    b.crash('reset');
    simulation.time.runFor(10);
    expect(near.ear.reason?.kind).toBe('broken');
    const ear = dialFrom(a);
    simulation.time.runFor(10);
    expect(ear.reason?.kind).toBe('refused');
  });

  test('a machine without power says nothing; back again, it breaks old connections', () => {
    const { simulation, a, b, listen, near, far, accepted } = connected();
    b.crash('silent');
    near.connection.write(bytesOf('anybody?'));
    simulation.time.runFor(60_000);
    expect(near.ear.reason).toBeNull();
    b.boot();
    listen();
    simulation.time.runFor(10);
    expect(near.ear.reason?.kind).toBe('broken');
    expect(far.ear.text).toBe('');
    const ear = dialFrom(a);
    simulation.time.runFor(10);
    expect(ear.heard).toEqual(['opened']);
    expect(accepted.length).toBe(2);
  });

  test('a frozen server keeps its sockets and reads what came once it is thawed', () => {
    const { simulation, b, near, far } = connected();
    b.freeze();
    near.connection.write(bytesOf('hello'));
    simulation.time.runFor(30_000);
    expect(far.ear.text).toBe('');
    expect(near.ear.reason).toBeNull();
    b.thaw();
    simulation.time.runFor(1);
    expect(far.ear.text).toBe('hello');
  });

  test('what comes after a reader has gone on does not overtake what it left unread', () => {
    const { simulation, b, near, far } = connected();
    far.connection.pause();
    near.connection.write(bytesOf('one '));
    simulation.time.runFor(10);
    b.freeze();
    b.world?.clock.run(() => far.connection.resume());
    near.connection.write(bytesOf('two'));
    simulation.time.runFor(10);
    b.thaw();
    simulation.time.runFor(1);
    expect(far.ear.text).toBe('one two');
  });

  test('what a cut held back comes behind what a frozen server has not read yet', () => {
    const { simulation, b, near, far } = connected();
    b.freeze();
    near.connection.write(bytesOf('one '));
    simulation.time.runFor(10);
    simulation.network.block('a', 'b');
    near.connection.write(bytesOf('two'));
    simulation.time.runFor(10);
    simulation.network.heal();
    b.thaw();
    simulation.time.runFor(1);
    expect(far.ear.text).toBe('one two');
  });

  test('whoever writes to a slow reader is told to wait, and to go on when it has read what there was', () => {
    const { simulation, near, far } = connected();
    expect(simulation.network.slowReader('a', 'b', 0, 50)).toBe(true);
    const text = 'x'.repeat(2_000);
    near.connection.write(bytesOf(text.slice(0, 1_000)));
    simulation.time.runFor(10);
    expect(near.connection.write(bytesOf(text.slice(1_000)))).toBe(false);
    expect(near.connection.bufferedBytes).toBeGreaterThan(2_000);
    simulation.time.runFor(100);
    expect(far.ear.text.length).toBeGreaterThan(0);
    expect(far.ear.text.length).toBeLessThan(text.length);
    expect(near.ear.heard).not.toContain('drained');
    simulation.time.runFor(1_000);
    expect(far.ear.text).toBe(text);
    expect(near.ear.heard).toContain('drained');
    expect(near.connection.bufferedBytes).toBe(0);
  });

  test('a slow reader that is mended reads on at once, in order', () => {
    const { simulation, near, far } = connected();
    simulation.network.slowReader('a', 'b', 0, 1_000);
    const text = Array.from({ length: 300 }, (_, index) => `${index} `).join('');
    near.connection.write(bytesOf(text));
    simulation.time.runFor(20);
    simulation.network.heal();
    near.connection.write(bytesOf('end'));
    simulation.time.runFor(20);
    expect(far.ear.text).toBe(`${text}end`);
  });

  test('a write that was under way at a crash arrives as a beginning of it or not at all', () => {
    const left = new Set<number>();
    for (let seed = 1; seed <= 40; seed++) {
      const { simulation, a, near, far } = connected(seed);
      simulation.network.configure({ cutSegments: true });
      near.connection.write(bytesOf('0123456789'.repeat(20)));
      simulation.time.runFor(0.05);
      a.crash('reset');
      simulation.time.runFor(10);
      expect('0123456789'.repeat(20).startsWith(far.ear.text)).toBe(true);
      expect(far.ear.reason?.kind).toBe('broken');
      left.add(far.ear.text.length);
    }
    expect(left.size).toBeGreaterThan(2);
  });
});

describe('disks that fail', () => {
  function booted(seed = 1) {
    const simulation = new Simulation(seed);
    const machine = simulation.machine('a', sid(1));
    return { simulation, machine, disk: machine.boot().disk };
  }

  test('a crash leaves any beginning of unflushed bytes, torn records among them', () => {
    const sizes = new Set<number>();
    for (let seed = 1; seed <= 60; seed++) {
      const { simulation, machine, disk } = booted(seed);
      disk.append('log.1', new Uint8Array(10));
      disk.flush(() => {});
      simulation.time.runFor(10);
      for (let count = 0; count < 4; count++) disk.append('log.1', new Uint8Array(10));
      simulation.time.runFor(0.1);
      machine.crash();
      sizes.add(machine.disk.durable('log.1')?.length ?? -1);
    }
    expect(Math.min(...sizes)).toBe(10);
    expect(Math.max(...sizes)).toBeGreaterThan(45);
    expect([...sizes].some((size) => size % 10 !== 0)).toBe(true);
  });

  test('an injected error ends the use of the disk until it is opened again', () => {
    const { simulation, machine, disk } = booted();
    const answers: string[] = [];
    const note = (result: { ok: boolean; error?: { kind: string } }): void => {
      answers.push(result.ok ? 'ok' : (result.error?.kind ?? ''));
    };
    machine.disk.failNext('full', (operation) => operation === 'flush', 1);
    for (let count = 0; count < 3; count++) {
      disk.append('log.1', new Uint8Array(5));
      disk.flush(note);
    }
    disk.list(note);
    simulation.time.runFor(100);
    expect(answers).toEqual(['ok', 'full', 'full', 'full']);
    machine.crash();
    machine.boot().disk.list(note);
    simulation.time.runFor(100);
    expect(answers.at(-1)).toBe('ok');
  });

  test('what waits behind an error does not reach the disk, not by a crash either', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { simulation, machine, disk } = booted(seed);
      machine.disk.failNext('full', (operation) => operation === 'flush');
      disk.flush(() => {
        disk.flush(() => {});
        disk.append('log.2', new Uint8Array(10));
        disk.flush(() => {});
        machine.crash();
      });
      simulation.time.runFor(10);
      expect(machine.disk.durable('log.2'), `seed ${seed}`).toBeNull();
    }
  });

  test('a disk over its capacity is full at the next flush', () => {
    const { simulation, machine, disk } = booted();
    machine.disk.configure({ capacityBytes: 100 });
    const answers: boolean[] = [];
    disk.append('log.1', new Uint8Array(60));
    disk.flush((result) => answers.push(result.ok));
    disk.append('log.1', new Uint8Array(60));
    disk.flush((result) => answers.push(result.ok));
    simulation.time.runFor(10);
    expect(answers).toEqual([true, false]);
  });

  test('a stalled disk answers nothing until it is released', () => {
    const { simulation, machine, disk } = booted();
    let answered = false;
    machine.disk.stall();
    disk.flush(() => {
      answered = true;
    });
    simulation.time.runFor(10_000);
    expect(answered).toBe(false);
    machine.disk.release();
    simulation.time.runFor(10);
    expect(answered).toBe(true);
  });

  test('a second owner fences the first', () => {
    const { simulation, machine, disk } = booted();
    const clock = machine.world?.clock;
    if (clock === undefined) throw new Error('not booted');
    machine.disk.open(clock);
    let kind = '';
    disk.flush((result) => {
      kind = result.ok ? 'ok' : result.error.kind;
    });
    simulation.time.runFor(10);
    expect(kind).toBe('fenced');
  });

  test('injected errors strike before or after the change, as a real one may', () => {
    const outcomes = new Set<boolean>();
    for (let seed = 1; seed <= 30; seed++) {
      const { simulation, machine, disk } = booted(seed);
      machine.disk.failNext('failed', (operation) => operation === 'replace');
      disk.replace('currentEpoch', [new Uint8Array([0x31])], () => {});
      simulation.time.runFor(10);
      machine.crash();
      outcomes.add(machine.disk.durable('currentEpoch') !== null);
    }
    expect(outcomes.size).toBe(2);
  });
});

describe('promises under virtual time', () => {
  test('a chain of promises in a client goes on between events', async () => {
    const simulation = new Simulation(1);
    const { clock } = simulation.machine('client', sid(0), 'client').boot();
    const pause = (ms: number): Promise<void> => new Promise((done) => clock.after(ms, done));
    const run = async (): Promise<number> => {
      for (let count = 0; count < 10; count++) await pause(5);
      return clock.now();
    };
    expect(await simulation.settle(run())).toBe(50);
  });

  test('a promise that does not settle is an error that says so', async () => {
    const simulation = new Simulation(1);
    await expect(simulation.settle(new Promise(() => {}), 100)).rejects.toThrow(/not settled/);
    expect(simulation.time.nowMs).toBe(100);
  });
});
