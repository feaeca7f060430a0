/** Whose the time of the processors was: what else runs on a machine changes every figure. Linux only, else unknown. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** Seconds that this process and all it has started have had, as far as they still run; NaN where that is not told. */
export function ownSeconds() {
  if (!existsSync('/proc/self/stat')) return NaN;
  const children = new Map();
  const seconds = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = statOf(pid);
    if (stat === null) continue;
    children.set(stat.parent, [...(children.get(stat.parent) ?? []), pid]);
    seconds.set(pid, stat.seconds);
  }
  const sum = (pid) =>
    (children.get(pid) ?? []).reduce((total, child) => total + sum(child), seconds.get(pid) ?? 0);
  return sum(String(process.pid));
}

function statOf(pid) {
  try {
    // The name before the last bracket may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return {
      parent: fields[1],
      seconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    };
  } catch {
    return null;
  }
}
