/**
 * Which pages may be clients of this tab's server: those of its own origin, and those of another once the person at the
 * tab has said yes. It remembers for this tab alone, and it draws nothing.
 */

/** Origins whose questions wait at the same time: more are no person's doing. */
const MAX_QUESTION_COUNT = 3;

/** `busy`: too many questions wait already. */
export type Answer = 'yes' | 'no' | 'busy';

export interface ConsentHost {
  readonly ownOrigin: string;
  /** Asks the person; one question at a time. */
  ask(origin: string): Promise<boolean>;
  /** Origins that were let in before this page was loaded again. */
  recall(): readonly string[];
  remember(allowed: readonly string[]): void;
}

export class Consent {
  readonly #host: ConsentHost;
  readonly #allowed: Set<string>;
  readonly #refused = new Set<string>();
  readonly #questions = new Map<string, Promise<Answer>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(host: ConsentHost) {
    this.#host = host;
    this.#allowed = new Set(host.recall());
  }

  /** `origin` as the browser gives it. `null` stands for a page of no origin, of which nobody can say whose it is. */
  mayEnter(origin: string): Answer | Promise<Answer> {
    if (origin === 'null' || origin === '') return 'no';
    if (origin === this.#host.ownOrigin || this.#allowed.has(origin)) return 'yes';
    if (this.#refused.has(origin)) return 'no';
    const asked = this.#questions.get(origin);
    if (asked !== undefined) return asked;
    if (this.#questions.size >= MAX_QUESTION_COUNT) return 'busy';
    const question = this.#last.then(() => this.#ask(origin));
    this.#questions.set(origin, question);
    this.#last = question;
    return question;
  }

  async #ask(origin: string): Promise<Answer> {
    const allowed = await this.#host.ask(origin);
    this.#questions.delete(origin);
    if (!allowed) {
      this.#refused.add(origin);
      return 'no';
    }
    this.#allowed.add(origin);
    this.#host.remember([...this.#allowed]);
    return 'yes';
  }
}
