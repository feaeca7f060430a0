/** What the sequence is drawn with: a canvas for the screen, or SVG to take away. Both draw the same. */

export interface Pen {
  line(from: readonly [number, number], to: readonly [number, number], style: LineStyle): void;
  /** An SVG path around a point. */
  mark(path: string, at: readonly [number, number], color: string, hollow: boolean): void;
  text(text: string, at: readonly [number, number], style: TextStyle): void;
}

export interface LineStyle {
  readonly color: string;
  readonly width: number;
  readonly dashes: readonly number[];
}

export interface TextStyle {
  readonly color: string;
  readonly size: number;
  readonly align: 'start' | 'middle' | 'end';
  readonly bold: boolean;
  readonly mono: boolean;
}

const SANS = 'system-ui, sans-serif';
const MONO = 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace';

export class CanvasPen implements Pen {
  readonly #context: CanvasRenderingContext2D;

  constructor(context: CanvasRenderingContext2D) {
    this.#context = context;
  }

  line(from: readonly [number, number], to: readonly [number, number], style: LineStyle): void {
    const context = this.#context;
    context.strokeStyle = style.color;
    context.lineWidth = style.width;
    context.setLineDash([...style.dashes]);
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
  }

  mark(path: string, at: readonly [number, number], color: string, hollow: boolean): void {
    const context = this.#context;
    context.save();
    context.translate(...at);
    const shape = new Path2D(path);
    context.setLineDash([]);
    if (hollow) {
      context.strokeStyle = color;
      context.lineWidth = 1.5;
      context.stroke(shape);
    } else {
      context.fillStyle = color;
      context.fill(shape);
    }
    context.restore();
  }

  text(text: string, at: readonly [number, number], style: TextStyle): void {
    const context = this.#context;
    context.fillStyle = style.color;
    context.font = `${style.bold ? '650 ' : ''}${style.size}px ${style.mono ? MONO : SANS}`;
    context.textAlign = style.align === 'middle' ? 'center' : style.align;
    context.textBaseline = 'middle';
    context.fillText(text, ...at);
  }
}

export class SvgPen implements Pen {
  readonly #parts: string[] = [];

  line(
    [x1, y1]: readonly [number, number],
    [x2, y2]: readonly [number, number],
    style: LineStyle,
  ): void {
    const dashes = style.dashes.length > 0 ? ` stroke-dasharray="${style.dashes.join(' ')}"` : '';
    this.#parts.push(
      `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${style.color}" stroke-width="${style.width}"${dashes}/>`,
    );
  }

  mark(path: string, [x, y]: readonly [number, number], color: string, hollow: boolean): void {
    const paint = hollow ? `fill="none" stroke="${color}" stroke-width="1.5"` : `fill="${color}"`;
    this.#parts.push(`<path d="${path}" transform="translate(${round(x)} ${round(y)})" ${paint}/>`);
  }

  text(text: string, [x, y]: readonly [number, number], style: TextStyle): void {
    const family = style.mono ? 'monospace' : 'sans-serif';
    const weight = style.bold ? ' font-weight="650"' : '';
    this.#parts.push(
      `<text x="${round(x)}" y="${round(y)}" fill="${style.color}" font-size="${style.size}" font-family="${family}"${weight} text-anchor="${style.align}" dominant-baseline="central">${escaped(text)}</text>`,
    );
  }

  toString(width: number, height: number, ground: string): string {
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="${ground}"/>${this.#parts.join('')}</svg>`;
  }
}

const round = (value: number): string => String(Math.round(value * 100) / 100);

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};
/** Paths are anybody's words. */
const escaped = (text: string): string => text.replace(/[&<>"]/g, (each) => ENTITIES[each] ?? each);
