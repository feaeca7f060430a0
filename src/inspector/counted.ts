/** Numbers of things, as a sentence has them. Pure. */

/** `1 node`, `1,204 nodes` */
export const counted = (count: number, thing: string): string =>
  `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;
