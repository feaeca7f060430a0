/**
 * Lets those who await a reply go on before anything that came after it is told. By turns of the microtask queue and not
 * by a timer or a message: a busy session with watches hears an event behind every reply, and a task for each of them
 * would take it apart into single steps.
 */

/** A reply goes through a promise or two here, and maybe through some functions of the caller's that await each other. */
const PROMISE_TURNS = 16;

export function afterPromises(task: () => void, turns = PROMISE_TURNS): void {
  queueMicrotask(() => {
    if (turns > 1) afterPromises(task, turns - 1);
    else task();
  });
}
