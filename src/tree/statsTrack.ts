/** The text in a quota's limit and stat nodes (`StatsTrack`): `count=4,bytes=5=;countHardLimit=10`. */

import { decodeUtf8, encodeUtf8 } from '../wire/utf8.ts';

/** Numbers by name. -1 stands for "no limit" and for what cannot be read. */
export type StatsTrack = ReadonlyMap<string, bigint>;

export const statValue = (track: StatsTrack, name: string): bigint => track.get(name) ?? -1n;

export function parseStatsTrack(data: Uint8Array | null): StatsTrack {
  const track = new Map<string, bigint>();
  if (data === null) return track;
  for (const pair of decodeUtf8(data).split(/[,;]+/)) {
    const [name = '', value = ''] = pair.split('=');
    if (name !== '') track.set(name, parseNumber(value));
  }
  return track;
}

const parseNumber = (text: string): bigint => (/^[+-]?\d{1,19}$/.test(text) ? toLong(text) : -1n);
const toLong = (text: string): bigint => BigInt.asIntN(64, BigInt(text.replace('+', '')));

/** Count and bytes come first, and the odd `=` after them makes parsers of ZooKeeper 3.4 stop there. */
export function formatStatsTrack(track: StatsTrack): Uint8Array {
  const others = [...track.keys()].filter((name) => name !== 'count' && name !== 'bytes').sort();
  const head = `count=${statValue(track, 'count')},bytes=${statValue(track, 'bytes')}`;
  const tail = others.map((name) => `;${name}=${statValue(track, name)}`).join('');
  return encodeUtf8(tail === '' ? head : `${head}=${tail}`);
}
