/** A plan's faults in plain words, for whoever reads what happened. */

import type { Fault, Victim } from './fault.ts';

export function faultText(fault: Fault): string {
  switch (fault.kind) {
    case 'crash':
      return fault.how === 'silent'
        ? `${nameOf(fault.target)} loses power`
        : `the process of ${nameOf(fault.target)} is killed`;
    case 'crashAt': {
      const passed = fault.count === 0 ? '' : `, after ${fault.count} others`;
      return `${nameOf(fault.target)} is to lose power ${fault.when} its next ${fault.point}${passed}`;
    }
    case 'blackout':
      return 'all lose power';
    case 'stop':
      return `${nameOf(fault.target)} is told to stop`;
    case 'restart':
      return `${nameOf(fault.target)} is restarted${settingsText(fault.change)}`;
    case 'partition':
      return `partition: ${SHAPES[fault.shape]}${fault.flapMs === null ? '' : `, coming and going every ${ms(fault.flapMs)}`}`;
    case 'halfOpen':
      return `nothing gets from ${nameOf(fault.from)} to ${nameOf(fault.to)} any more`;
    case 'reset':
      return `all connections between ${nameOf(fault.from)} and ${nameOf(fault.to)} break`;
    case 'refuse':
      return `${nameOf(fault.to)} takes no new connection from ${nameOf(fault.from)}`;
    case 'slowLink':
      return `from ${nameOf(fault.from)} to ${nameOf(fault.to)} it takes ${ms(fault.latencyMs[0])} to ${ms(fault.latencyMs[1])}`;
    case 'freeze':
      return `${nameOf(fault.target)} is frozen for ${ms(fault.durationMs)}`;
    case 'stall':
      return `the disk of ${nameOf(fault.target)} stalls for ${ms(fault.durationMs)}`;
    case 'slowDisk':
      return `the disk of ${nameOf(fault.target)} takes ${ms(fault.flushMs[0])} to ${ms(fault.flushMs[1])} for a flush`;
    case 'diskError':
      return `the disk of ${nameOf(fault.target)} ${fault.error === 'full' ? 'is full' : 'fails'} after ${fault.count} more operations`;
    case 'bitFlip':
      return `${nameOf(fault.target)} is killed and a bit on its disk flips`;
    case 'wipe':
      return `${nameOf(fault.target)} is killed and loses its disk`;
    case 'wallJump':
      return `the wall clock of ${nameOf(fault.target)} jumps by ${ms(fault.byMs)}`;
    case 'muteLeader':
      return `the leader reaches nobody any more, and loses power in ${ms(fault.powerLossMs)}`;
    case 'oneVoice':
      return `of all voters one alone hears the leader, and in ${ms(fault.resetMs)} loses it, with a slow disk from then on`;
    case 'tailSnapshot':
      return `of all that ${nameOf(fault.target)}, which is down, has logged a snapshot is taken, as ZooKeeper does`;
    case 'slowReader':
      return `${nameOf(fault.to)} takes ${ms(fault.everyMs)} for each few bytes that come from ${nameOf(fault.from)}, on one connection`;
    case 'reform': {
      const roles = fault.roles.map((role, index) => `${index + 1} ${role}`);
      return `all stop and start with other members: ${[...roles, ...fault.memberLines].join(', ')}`;
    }
    case 'lull':
      return `clients ask for nothing new for ${ms(fault.durationMs)}`;
    case 'mend':
      return 'all that is broken is mended';
  }
}

const settingsText = (change: object | null): string => {
  const settings = Object.entries(change ?? {}).map(([key, value]) => `${key}=${value}`);
  return settings.length === 0 ? '' : `, from now on with ${settings.join(', ')}`;
};

const SHAPES = {
  majority: 'a majority and a minority',
  bridge: 'two halves with one server between them',
  ring: 'each reaches its two neighbours only',
  isolatedLeader: 'the leader alone',
  oneWay: 'one direction of every link of one server',
  split: 'odd and even',
} as const;

const nameOf = (victim: Victim): string => {
  if (victim === 'leader' || victim === 'follower') return `the ${victim}`;
  return victim === 'anyone' ? 'whoever comes first' : `server ${victim}`;
};

const ms = (durationMs: number): string => `${Number(durationMs.toPrecision(3))} ms`;
