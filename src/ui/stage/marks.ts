/** One shape and one word for each kind of message: what has a colour can be told without it. Pure. */

import type { MessageKind } from '../../narration/messages.ts';

export interface Mark {
  readonly word: string;
  /** For who sees it for the first time. */
  readonly meaning: string;
  /** SVG path around 0, 0 for a mark of that radius. */
  path(radius: number): string;
  /** Drawn as an outline. */
  readonly hollow: boolean;
}

const polygon = (corners: readonly (readonly [number, number])[]): string =>
  `M${corners.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join('L')}Z`;

const regular = (count: number, radius: number, turn: number): string =>
  polygon(
    Array.from({ length: count }, (_, index) => {
      const angle = turn + (index * 2 * Math.PI) / count;
      return [radius * Math.cos(angle), radius * Math.sin(angle)] as const;
    }),
  );

const circle = (radius: number): string =>
  `M${radius} 0A${radius} ${radius} 0 1 1 ${-radius} 0A${radius} ${radius} 0 1 1 ${radius} 0Z`;

function plus(radius: number): string {
  const arm = radius;
  const half = radius * 0.35;
  return polygon([
    [-half, -arm],
    [half, -arm],
    [half, -half],
    [arm, -half],
    [arm, half],
    [half, half],
    [half, arm],
    [-half, arm],
    [-half, half],
    [-arm, half],
    [-arm, -half],
    [-half, -half],
  ]);
}

const UP = -Math.PI / 2;

export const MARKS: Readonly<Record<MessageKind, Mark>> = {
  vote: {
    word: 'vote',
    meaning: 'whom a server wants to lead',
    path: (radius) => regular(4, radius * 1.15, UP),
    hollow: false,
  },
  sync: {
    word: 'sync',
    meaning: 'a new leader and its followers agree on epoch and history',
    path: (radius) => regular(6, radius * 1.05, 0),
    hollow: false,
  },
  request: {
    word: 'request',
    meaning: 'a follower passes a client’s request on to the leader',
    path: plus,
    hollow: false,
  },
  proposal: {
    word: 'proposal',
    meaning: 'the leader wants a transaction logged',
    path: (radius) => regular(4, radius * 1.2, UP / 2),
    hollow: false,
  },
  ack: {
    word: 'ack',
    meaning: 'it is on my disk',
    path: (radius) => regular(3, radius * 1.2, UP),
    hollow: false,
  },
  commit: {
    word: 'commit',
    meaning: 'a quorum has it on disk: apply it',
    path: (radius) => circle(radius * 0.95),
    hollow: false,
  },
  ping: {
    word: 'ping',
    meaning: 'are you there?',
    path: (radius) => circle(radius * 0.7),
    hollow: true,
  },
};
