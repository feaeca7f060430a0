import type { Stat } from '../../../src/wire/dataRecords.ts';
import { zxid } from '../../../src/wire/ids.ts';

export const someStat: Stat = {
  czxid: zxid(1n),
  mzxid: zxid(2n),
  ctime: 3,
  mtime: 4,
  version: 5,
  cversion: 6,
  aversion: 7,
  ephemeralOwner: 0n,
  dataLength: 8,
  numChildren: 9,
  pzxid: zxid(10n),
};
