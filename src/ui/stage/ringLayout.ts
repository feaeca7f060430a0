/** Where servers stand on the ring, and where lines between them begin and end. Pure. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The first stands at the top, the others follow clockwise. Two stand side by side. However many there are, they take the
 * whole height.
 */
export function ringPoints(
  count: number,
  center: Point,
  radius: { readonly x: number; readonly y: number },
): readonly Point[] {
  if (count === 1) return [center];
  const first = count === 2 ? Math.PI : -Math.PI / 2;
  const angles = Array.from({ length: count }, (_, index) => first + (index * 2 * Math.PI) / count);
  // Above the middle stands the first, at -1; below it an odd number of them does not come as far.
  const lowest = Math.max(...angles.map(Math.sin));
  const stretch = count === 2 ? 1 : 2 / (lowest + 1);
  return angles.map((angle) => ({
    x: center.x + radius.x * Math.cos(angle),
    y: center.y + radius.y * ((Math.sin(angle) + 1) * stretch - 1),
  }));
}

/** The point that far along the way from one to the other, both shortened by `margin`. */
export function along(from: Point, to: Point, fraction: number, margin: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const at = margin + fraction * Math.max(0, length - 2 * margin);
  return {
    x: from.x + ((to.x - from.x) * at) / length,
    y: from.y + ((to.y - from.y) * at) / length,
  };
}

/** The part of a circle that is left, as a path that begins at the top and runs clockwise. */
export function arc(center: Point, radius: number, fraction: number): string {
  if (fraction <= 0) return '';
  const angle = 2 * Math.PI * Math.min(fraction, 0.9999);
  const x = center.x + radius * Math.sin(angle);
  const y = center.y - radius * Math.cos(angle);
  const large = angle > Math.PI ? 1 : 0;
  return `M${center.x} ${center.y - radius}A${radius} ${radius} 0 ${large} 1 ${x} ${y}`;
}
