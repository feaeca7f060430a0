/** Sizes as people read them. Pure. */

const UNITS = ['KiB', 'MiB', 'GiB'] as const;

/** `408 B`, `16.0 KiB`, `64.0 MiB`, `10.0 GiB` */
export function sizeText(sizeBytes: number): string {
  if (sizeBytes < 1024) return `${sizeBytes} B`;
  let size = sizeBytes / 1024;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size.toFixed(1)} ${UNITS[unit]}`;
}
