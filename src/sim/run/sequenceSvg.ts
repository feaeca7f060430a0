/** The end of a run as a picture: servers are lanes, time goes downwards. Pure. */

import { type Step, sidsOf, stepsOf } from './sequenceSteps.ts';
import type { TraceEntry } from './runTrace.ts';

const LANE_PX = 170;
/** Left of the lanes stand the times. */
const TIMES_PX = 90;
const MARGIN_PX = 16;
const HEAD_PX = 34;
const ARROW_ROW_PX = 24;
const LINE_PX = 14;
const PADDING_PX = 6;
const GAP_PX = 4;
/** Of the sans-serif that we ask for, at 11 px: wide enough for nearly every sentence. */
const CHARACTER_PX = 6;
/** A remark at one server is as wide as this at most, so that it stays near its lane. */
const REMARK_CHARACTERS = 46;
/** What an ensemble's few lanes are too narrow for. */
const MIN_LANES_PX = 480;

/** How a remark about all looks: what is done to the ensemble, and what is wrong with it in the end. */
const LOOKS = {
  remark: { fill: '#fff8e4', stroke: '#e2cf96', text: '#5a3d00' },
  fault: { fill: '#fdeaea', stroke: '#e5a3a3', text: '#8b1010' },
  failure: { fill: '#8b1010', stroke: '#8b1010', text: '#ffffff' },
} as const;

/** The last `count` steps as SVG. `title` stands above them. */
export function svgOf(entries: readonly TraceEntry[], count: number, title: string): string {
  return new Picture(stepsOf(entries, count)).draw(title);
}

class Picture {
  readonly #steps: readonly Step[];
  readonly #sids: readonly number[];
  readonly #lanesPx: number;
  readonly #parts: string[] = [];
  #y = 0;
  #lastTime = '';

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
    this.#sids = sidsOf(steps);
    this.#lanesPx = Math.max(MIN_LANES_PX, this.#sids.length * LANE_PX);
  }

  draw(title: string): string {
    for (const line of wrapped(title, this.#charactersOf(this.#widthPx))) {
      this.#y += LINE_PX + 2;
      this.#text(MARGIN_PX, this.#y, line, 'font-weight="bold" font-size="13"');
    }
    this.#legend();
    const lanesFromY = this.#y + HEAD_PX;
    this.#names();
    for (const step of this.#steps) {
      if (step.kind === 'message') this.#arrow(step);
      else this.#remark(step);
    }
    const lanesToY = this.#y + GAP_PX;
    this.#names();
    const lanes = this.#sids.map(
      (sid) =>
        `<line x1="${this.#x(sid)}" y1="${lanesFromY}" x2="${this.#x(sid)}" y2="${lanesToY}" stroke="#bbb"/>`,
    );
    const height = this.#y + MARGIN_PX;
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${this.#widthPx}" height="${height}" font-family="sans-serif" font-size="11">` +
      '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">' +
      '<path d="M0 0L8 4L0 8z" fill="#246"/></marker></defs>' +
      `<rect width="100%" height="100%" fill="#fff"/>${lanes.join('')}${this.#parts.join('')}</svg>\n`
    );
  }

  get #widthPx(): number {
    return TIMES_PX + this.#lanesPx + MARGIN_PX;
  }

  #x(sid: number): number {
    return TIMES_PX + ((this.#sids.indexOf(sid) + 0.5) * this.#lanesPx) / this.#sids.length;
  }

  #charactersOf(widthPx: number): number {
    return Math.floor((widthPx - 2 * MARGIN_PX) / CHARACTER_PX);
  }

  #legend(): void {
    this.#y += LINE_PX + 4;
    this.#text(
      MARGIN_PX,
      this.#y,
      'An arrow stands where a message was sent; one that is broken and ends in × was not received before the end.',
      'fill="#555"',
    );
  }

  #names(): void {
    this.#y += HEAD_PX - 8;
    for (const sid of this.#sids) {
      this.#text(this.#x(sid), this.#y, `server ${sid}`, 'text-anchor="middle" font-weight="bold"');
    }
    this.#y += 8;
  }

  #arrow({ timeMs, from, to, arrived, text }: Step & { kind: 'message' }): void {
    this.#y += ARROW_ROW_PX;
    this.#time(timeMs, this.#y);
    const [fromX, toX] = [this.#x(from), this.#x(to)];
    const endX = arrived ? toX : toX + (fromX - toX) * LOST_FRACTION;
    const look = arrived ? 'marker-end="url(#tip)"' : 'stroke-dasharray="4 3"';
    this.#parts.push(
      `<line x1="${fromX}" y1="${this.#y}" x2="${endX}" y2="${this.#y}" stroke="#246" ${look}/>`,
    );
    if (!arrived) {
      this.#text(endX, this.#y + 5, '×', 'text-anchor="middle" font-size="15" fill="#8b1010"');
    }
    this.#text((fromX + toX) / 2, this.#y - 4, text, `text-anchor="middle" ${HALO}`);
  }

  #remark({ timeMs, at, text }: Step & { kind: 'remark' }): void {
    const widest = this.#charactersOf(this.#lanesPx);
    const lines = wrapped(text, at === null ? widest : Math.min(REMARK_CHARACTERS, widest));
    const longest = Math.max(...lines.map(({ length }) => length));
    const widthPx = longest * CHARACTER_PX + 2 * PADDING_PX;
    const heightPx = lines.length * LINE_PX + PADDING_PX;
    const middleX = at === null ? TIMES_PX + this.#lanesPx / 2 : this.#x(at);
    const leftX = Math.max(
      TIMES_PX,
      Math.min(middleX - widthPx / 2, TIMES_PX + this.#lanesPx - widthPx),
    );
    const look = LOOKS[at !== null ? 'remark' : text.startsWith('FAILED') ? 'failure' : 'fault'];
    const topY = this.#y + GAP_PX * 2;
    this.#time(timeMs, topY + LINE_PX);
    this.#parts.push(
      `<rect x="${leftX}" y="${topY}" width="${widthPx}" height="${heightPx}" rx="3" fill="${look.fill}" stroke="${look.stroke}"/>`,
    );
    lines.forEach((line, index) => {
      const y = topY + (index + 1) * LINE_PX - 1;
      this.#text(leftX + widthPx / 2, y, line, `text-anchor="middle" fill="${look.text}"`);
    });
    this.#y = topY + heightPx;
  }

  /** What happens at one and the same time has it written once. */
  #time(timeMs: number, y: number): void {
    const text = `${timeMs.toFixed(3)} ms`;
    if (text === this.#lastTime) return;
    this.#lastTime = text;
    this.#text(TIMES_PX - 10, y, text, 'text-anchor="end" fill="#555"');
  }

  #text(x: number, y: number, text: string, look: string): void {
    this.#parts.push(`<text x="${x}" y="${y}" ${look}>${escaped(text)}</text>`);
  }
}

/** So much of its way a message that is lost does not go. */
const LOST_FRACTION = 0.12;
/** Keeps words readable where they cross a lane. */
const HALO = 'stroke="#fff" stroke-width="3" paint-order="stroke"';

/** Lines of at most so many characters, broken between words where there are any. */
function wrapped(text: string, characters: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > characters) {
    const space = rest.lastIndexOf(' ', characters);
    const end = space > 0 ? space : characters;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  lines.push(rest);
  return lines;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
