/**
 * Lets other pages be clients of this tab's server: hears their knocks on its window, has them judged, and bounds how many
 * there are. What a stranger gets without a yes is a closed port.
 */

import type { Answer, Consent } from './consent.ts';
import { Guest } from './guest.ts';
import { GUEST_VERSION, knockVersion } from './guestWords.ts';
import type { Pipe, PipeHandler } from './pipe.ts';

/** Waiting for an answer or connected. A ZooKeeper server takes 60 of one address. */
const MAX_GUEST_COUNT = 60;
/** Of one origin, so that no stranger takes all places. */
const MAX_GUESTS_OF_ONE_ORIGIN = 20;
/** Knocks that nobody has gone on with; the oldest goes first. */
const MAX_GREETED_COUNT = 60;

export interface TabDoorHost {
  readonly consent: Pick<Consent, 'mayEnter'>;
  /** A connection to the client port of this tab's server. */
  open(handler: PipeHandler): Pipe;
}

export class TabDoor {
  readonly #host: TabDoorHost;
  readonly #greeted = new Set<Guest>();
  readonly #guests = new Set<Guest>();

  constructor(host: TabDoorHost) {
    this.#host = host;
  }

  /** What came to the window, for whomever. */
  received({
    data,
    origin,
    ports,
  }: Pick<MessageEvent<unknown>, 'data' | 'origin' | 'ports'>): void {
    const version = knockVersion(data);
    const [port] = ports;
    if (version === null || port === undefined) return;
    const guest = new Guest(origin, port, {
      asks: (who) => this.#judge(who),
      ended: (who) => {
        this.#greeted.delete(who);
        this.#guests.delete(who);
      },
    });
    this.#greeted.add(guest);
    if (version !== GUEST_VERSION) {
      guest.refuse(`this tab speaks version ${GUEST_VERSION} with guests, the page ${version}`);
    }
    for (const oldest of this.#greeted) {
      if (this.#greeted.size <= MAX_GREETED_COUNT) break;
      oldest.turnAway('too many knocks at once');
    }
  }

  /** The page goes: whoever is here hears of it at once. */
  close(): void {
    for (const guest of [...this.#greeted, ...this.#guests]) guest.end();
  }

  #judge(guest: Guest): void {
    this.#greeted.delete(guest);
    const { origin } = guest;
    const ofThatOrigin = [...this.#guests].filter((one) => one.origin === origin).length;
    if (this.#guests.size >= MAX_GUEST_COUNT || ofThatOrigin >= MAX_GUESTS_OF_ONE_ORIGIN) {
      guest.turnAway('this tab has as many guests as it takes');
      return;
    }
    this.#guests.add(guest);
    const answer = this.#host.consent.mayEnter(origin);
    if (typeof answer === 'string') this.#answer(guest, answer);
    else void answer.then((given) => this.#answer(guest, given));
  }

  #answer(guest: Guest, answer: Answer): void {
    switch (answer) {
      case 'yes':
        guest.admit((handler) => this.#host.open(handler));
        return;
      case 'no':
        guest.refuse(`the tab does not let pages of ${guest.origin} in`);
        return;
      case 'busy':
        guest.turnAway('the person at the tab has other questions to answer first');
        return;
    }
  }
}
