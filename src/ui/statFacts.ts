/** A stat as names and values for people. Pure. */

import type { Stat } from '../wire/dataRecords.ts';
import { zxid, zxidToString } from '../wire/ids.ts';
import { dateAndTime } from './timeText.ts';

export const statFacts = (stat: Stat): readonly (readonly [name: string, value: string])[] => [
  ['version', String(stat.version)],
  ['cversion', String(stat.cversion)],
  ['aversion', String(stat.aversion)],
  ['czxid', zxidToString(stat.czxid)],
  ['mzxid', zxidToString(stat.mzxid)],
  ['pzxid', zxidToString(stat.pzxid)],
  ['ctime', dateAndTime(stat.ctime)],
  ['mtime', dateAndTime(stat.mtime)],
  ['ephemeralOwner', zxidToString(zxid(stat.ephemeralOwner))],
  ['dataLength', String(stat.dataLength)],
  ['numChildren', String(stat.numChildren)],
];
