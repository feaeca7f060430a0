/** What the tree keeps of the bytes it is given. */

import { describe, expect, it } from 'vitest';
import { DataNode, newStat } from '../../../src/tree/dataNode.ts';
import { NodeData } from '../../../src/tree/nodeData.ts';
import { zxid } from '../../../src/wire/ids.ts';

const PIECE_BYTES = 1000;
/** More than are borrowed at a time. */
const MANY = 1000;

class Stage {
  readonly gone = new Set<DataNode>();
  readonly data = new NodeData((node) => !this.gone.has(node));
  readonly nodes: DataNode[] = [];

  add(bytes: Uint8Array = pieceOf(this.nodes.length)): DataNode {
    const node = new DataNode(`/${this.nodes.length}`, null, 1, newStat(zxid(1n), 0, 0n));
    this.data.set(node, bytes);
    this.nodes.push(node);
    return node;
  }

  fill(count = MANY): this {
    for (let i = 0; i < count; i++) this.add();
    return this;
  }

  drop(node: DataNode): void {
    this.data.release(node);
    this.gone.add(node);
  }
}

const pieceOf = (number: number): Uint8Array => new Uint8Array(PIECE_BYTES).fill(number % 251);
/** Which piece it has; NaN for what is none. */
const numberIn = ({ data }: DataNode): number =>
  data?.length === PIECE_BYTES && data.every((byte) => byte === data[0]) ? (data[0] ?? NaN) : NaN;
const buffersOf = (nodes: readonly DataNode[]): Set<ArrayBufferLike | undefined> =>
  new Set(nodes.map((node) => node.data?.buffer));

describe('data that has just come', () => {
  it('is not copied, and never is if it is replaced soon', () => {
    const stage = new Stage();
    const node = stage.add();
    const newer = pieceOf(9);
    stage.data.set(node, newer);
    stage.fill();
    expect(node.data).toEqual(newer);
    const first = pieceOf(1);
    const other = stage.add(first);
    expect(other.data).toBe(first);
  });

  it('is copied once it has stayed for a while, many pieces into one buffer', () => {
    const stage = new Stage().fill(2 * MANY);
    const old = stage.nodes.slice(0, MANY);
    expect(old.map(numberIn)).toEqual(old.map((_, number) => number % 251));
    expect(buffersOf(old).size).toBeLessThan(MANY / 50);
  });

  it('of a node that is gone is not copied', () => {
    const stage = new Stage();
    const bytes = pieceOf(1);
    const node = stage.add(bytes);
    stage.drop(node);
    stage.fill();
    expect(node.data).toBe(bytes);
  });
});

describe('data that is kept', () => {
  it('moves when most of what lay beside it is gone, so that its buffer can be collected', () => {
    const stage = new Stage().fill(3 * MANY);
    const old = stage.nodes.slice(0, 2 * MANY);
    const before = buffersOf(old).size;
    const left = old.filter((_, number) => number % 20 === 0);
    for (const node of old) if (!left.includes(node)) stage.drop(node);
    expect(buffersOf(left).size).toBeLessThan(before / 3);
    expect(left.map(numberIn)).toEqual(left.map((_, index) => (index * 20) % 251));
  });

  it('gets a buffer of its own when it is long', () => {
    const stage = new Stage();
    const long = new Uint8Array(100_000).fill(3);
    const node = stage.add(long.subarray(1, 90_001));
    stage.fill();
    expect([node.data?.length, node.data?.buffer.byteLength]).toEqual([90_000, 90_000]);
  });

  it('is null or empty as it came', () => {
    const stage = new Stage();
    const node = stage.add();
    stage.data.set(node, null);
    expect(node.data).toBeNull();
    stage.data.set(node, new Uint8Array(0));
    expect(node.data).toHaveLength(0);
  });

  it('that was loaded is a copy from the start', () => {
    const stage = new Stage();
    const node = stage.add();
    const file = new Uint8Array(50).fill(4);
    stage.data.load(node, file);
    file.fill(5);
    expect(node.data).toEqual(new Uint8Array(50).fill(4));
  });
});
