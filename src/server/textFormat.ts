/** How ZooKeeper's four-letter words print ids, times and averages. Pure. */

import type { Clock } from '../ports/clock.ts';
import type { SessionId } from '../wire/ids.ts';

/** `0x` and the 64 bits in lower-case hex, as Java's `Long.toHexString`. */
export const sessionIdToString = (id: SessionId): string =>
  `0x${BigInt.asUintN(64, id).toString(16)}`;

const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY_MS = 86_400_000;

/** A time of `clock.now()` as Java prints a `Date` in UTC: `Mon Nov 23 04:42:37 UTC 2026`. */
export function timeToDateText(clock: Clock, timeMs: number): string {
  const wallTimeMs = clock.wallTime() + Math.round(timeMs - clock.now());
  const dayCount = Math.floor(wallTimeMs / DAY_MS);
  const { year, month, day } = civilDate(dayCount);
  const ofDayMs = wallTimeMs - dayCount * DAY_MS;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const time = `${two(ofDayMs / 3_600_000)}:${two((ofDayMs / 60_000) % 60)}:${two((ofDayMs / 1000) % 60)}`;
  return `${DAYS[dayCount % 7] ?? ''} ${MONTHS[month] ?? ''} ${two(day)} ${time} UTC ${year}`;
}

/** The calendar day `dayCount` days after 1 January 1970; `month` counts from 0. */
function civilDate(dayCount: number): { year: number; month: number; day: number } {
  let year = 1970;
  let rest = dayCount;
  while (rest >= daysOfYear(year)) {
    rest -= daysOfYear(year);
    year += 1;
  }
  let month = 0;
  while (rest >= daysOfMonth(year, month)) {
    rest -= daysOfMonth(year, month);
    month += 1;
  }
  return { year, month, day: rest + 1 };
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
const daysOfYear = (year: number): number => (isLeap(year) ? 366 : 365);

function daysOfMonth(year: number, month: number): number {
  if (month === 1) return isLeap(year) ? 29 : 28;
  return [3, 5, 8, 10].includes(month) ? 30 : 31;
}

/** A Java double of at most four decimals: `0.0`, `4.1429`. */
export function doubleText(value: number): string {
  const rounded = Math.round(value * 10_000) / 10_000;
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded);
}
