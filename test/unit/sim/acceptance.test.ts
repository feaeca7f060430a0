import { describe, test } from 'vitest';
import { SimClock, SimTime } from '../../../src/sim/simClock.ts';
import { DEFAULT_DISK, SimDisk } from '../../../src/sim/simDisk.ts';
import { SimNetwork } from '../../../src/sim/simNetwork.ts';
import { SimRandom } from '../../../src/sim/simRandom.ts';
import { diskAcceptance, type DiskHarness } from '../../acceptance/disk.ts';
import { networkAcceptance, type NetworkHarness } from '../../acceptance/network.ts';

const LIMIT_MS = 60_000;

function reach(time: SimTime, condition: () => boolean, what: string): Promise<void> {
  if (!time.runUntil(condition, LIMIT_MS)) throw new Error(`did not come: ${what}`);
  return Promise.resolve();
}

function simNetworkHarness(cutSegments: boolean): NetworkHarness {
  const time = new SimTime();
  const network = new SimNetwork(time, new SimRandom(1));
  network.configure({ cutSegments });
  const ports = { election: 3888, quorum: 2888, client: 2181 };
  return {
    near: network.attach('near', new SimClock(time)),
    far: network.attach('far', new SimClock(time)),
    farAddress: (port) => `far:${ports[port]}`,
    until: (condition, what) => reach(time, condition, what),
    settle: () => Promise.resolve(time.runFor(LIMIT_MS)),
    stop: () => Promise.resolve(),
  };
}

function simDiskHarness(unflushed: 'lost' | 'anyPrefix'): DiskHarness {
  const time = new SimTime();
  const medium = new SimDisk(time, new SimRandom(2), { ...DEFAULT_DISK, unflushed });
  let clock = new SimClock(time);
  let disk = medium.open(clock);
  return {
    get disk() {
      return disk;
    },
    crash: () => {
      clock.end();
      medium.crash();
      clock = new SimClock(time);
      disk = medium.open(clock);
      return Promise.resolve();
    },
    until: (condition, what) => reach(time, condition, what),
    stop: () => Promise.resolve(),
  };
}

describe('simulated network', () => {
  networkAcceptance(test, () => Promise.resolve(simNetworkHarness(false)));
});

describe('simulated network that cuts segments', () => {
  networkAcceptance(test, () => Promise.resolve(simNetworkHarness(true)));
});

describe('simulated disk that loses all unflushed bytes', () => {
  diskAcceptance(test, () => Promise.resolve(simDiskHarness('lost')));
});

describe('simulated disk that keeps any part of them', () => {
  diskAcceptance(test, () => Promise.resolve(simDiskHarness('anyPrefix')));
});
