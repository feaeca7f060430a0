/** Times as the page prints them: always 24 hours, so that lines stand under each other. Pure. */

const two = (value: number): string => String(value).padStart(2, '0');

/** `19:21:53` in the reader's own time zone. */
export function timeOfDay(wallTimeMs: number): string {
  const date = new Date(wallTimeMs);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `2026-11-26 19:21:53`: short, and in an order that sorts. */
export function dateAndTime(wallTimeMs: number): string {
  const date = new Date(wallTimeMs);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${timeOfDay(wallTimeMs)}`;
}

/** `19:21:53.613` */
export function preciseTimeOfDay(wallTimeMs: number): string {
  const milliseconds = String(Math.floor(wallTimeMs) % 1000).padStart(3, '0');
  return `${timeOfDay(wallTimeMs)}.${milliseconds}`;
}
