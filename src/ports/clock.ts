/** Time as the core sees it: a monotonic clock, the wall clock for transaction headers, and timers. Interfaces only. */

export interface Clock {
  /** Monotonic milliseconds since some start; may be fractional; never goes back. For every timeout and interval. */
  now(): number;
  /** Milliseconds since 1970 as a whole number. Only for what ZooKeeper records: `ctime`, `mtime`, transaction headers. */
  wallTime(): number;
  /** Calls `task` once, not before `delayMs` milliseconds have gone by, never inside this call. */
  after(delayMs: number, task: () => void): Timer;
  /** Calls `task` once the events that already wait have been handled: the way work of more than 5 ms is sliced. */
  soon(task: () => void): Timer;
}

export interface Timer {
  /** The task will not run. Harmless when it has run already. */
  cancel(): void;
}
