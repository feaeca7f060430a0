/** What happens to the tabs of a chaos run and when: drawn from a seed before the run begins. Pure. */

import { SimRandom } from '../../src/sim/simRandom.ts';

/** What strikes one tab. */
export type TabFaultKind =
  /** Closed as a person does, and the link opened again later. */
  | 'close'
  /** The renderer dies; the link is opened again later. */
  | 'crash'
  | 'reload'
  /** Nothing runs in the tab for a while. */
  | 'freeze'
  /** Its WebRTC connections end at once; new ones may be made. */
  | 'unlink'
  /** No WebRTC for a while: its links change to a BroadcastChannel. */
  | 'noWebRtc'
  /** No way to or from anybody for a while, the room server among them. */
  | 'cutOff'
  /** The server in the tab is told to stop, and to start later. */
  | 'stop'
  /** The tab comes to the front, the one that was there is hidden. */
  | 'look';

/** What strikes no tab alone. */
export type RoomFaultKind =
  /** One more tab opens the link, and closes later. */
  | 'visit'
  /** The room server is gone for a while. */
  | 'serverAway'
  | 'closeAll'
  /** The browser's processes are killed; it is started again on the same profile. */
  | 'killBrowser';

export type FaultKind = TabFaultKind | RoomFaultKind;

export interface Fault {
  readonly atMs: number;
  readonly kind: FaultKind;
  /** Whom it strikes, if there is a leader then; else the tab that `chance` says. */
  readonly aim: 'leader' | 'anyone';
  /** Over [0, 1): which of those that could be struck. */
  readonly chance: number;
  readonly lastsMs: number;
  /** It comes only when clients can write again, or have not been able to for too long. */
  readonly patient: boolean;
}

/** So often each comes before all are shuffled anew. */
const DECK: Readonly<Record<FaultKind, number>> = {
  close: 4,
  crash: 4,
  reload: 2,
  freeze: 4,
  unlink: 2,
  noWebRtc: 2,
  cutOff: 4,
  stop: 1,
  visit: 2,
  look: 1,
  serverAway: 1,
  closeAll: 1,
  killBrowser: 1,
};

const GAP_MS = [300, 3_500] as const;
const SHORT_MS = [200, 3_000] as const;
/** Longer than a session lives without a word (10 s), now and then. */
const LONG_MS = [5_000, 14_000] as const;
const LONG_PROBABILITY = 0.15;
/** Where none waits, a slow machine is struck again and again before it has recovered, and nothing is written any more. */
const PATIENT_PROBABILITY = 0.7;

/** The same seed gives the same schedule. Every fault ends within `durationMs`. */
export function drawSchedule(seed: number, durationMs: number): readonly Fault[] {
  const random = new SimRandom(seed, 'chaos');
  const faults: Fault[] = [];
  let deck: FaultKind[] = [];
  for (let atMs = random.between(...GAP_MS); atMs < durationMs;) {
    if (deck.length === 0) deck = shuffledDeck(random);
    const kind = deck.pop();
    if (kind === undefined) break;
    const [least, most] = random.chance(LONG_PROBABILITY) ? LONG_MS : SHORT_MS;
    const lastsMs = Math.min(random.between(least, most), durationMs - atMs);
    const aim = random.chance(0.5) ? 'leader' : 'anyone';
    faults.push({
      atMs: Math.round(atMs),
      kind,
      aim,
      chance: random.fraction(),
      lastsMs: Math.round(lastsMs),
      patient: random.chance(PATIENT_PROBABILITY),
    });
    atMs += random.between(...GAP_MS);
  }
  return faults;
}

export function describeFault({ atMs, kind, aim, lastsMs }: Fault): string {
  return `${(atMs / 1000).toFixed(1)} s: ${kind}, ${aim}, for ${(lastsMs / 1000).toFixed(1)} s`;
}

function shuffledDeck(random: SimRandom): FaultKind[] {
  const kinds = Object.keys(DECK) as FaultKind[];
  const left = kinds.flatMap((kind) => Array.from({ length: DECK[kind] }, () => kind));
  const deck: FaultKind[] = [];
  while (left.length > 0) deck.push(...left.splice(random.integer(0, left.length - 1), 1));
  return deck;
}
