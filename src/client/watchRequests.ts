/** What a server that continues a session is told about its watches, in pieces that fit into requests. */

import type { Zxid } from '../wire/ids.ts';
import type { JuteWriter } from '../wire/jute.ts';
import { OpCode } from '../wire/opCodes.ts';
import { writeSetWatches, writeSetWatches2 } from '../wire/watchRecords.ts';
import type { WatchBatch, WatchRegistry } from './watchRegistry.ts';

/** `SET_WATCHES_MAX_LENGTH`: well below what a server accepts, as the last path may go beyond it. */
const SET_WATCHES_MAX_BYTES = 128 * 1024;

export interface WatchRequest {
  readonly type: number;
  readonly write: (writer: JuteWriter) => void;
}

/** All pieces name the same zxid: what the client had seen when it lost the old server. */
export function watchRequests(
  watches: WatchRegistry,
  relativeZxid: Zxid,
  toServer: (path: string) => string,
): WatchRequest[] {
  return watches
    .batches(SET_WATCHES_MAX_BYTES)
    .map((batch) => watchRequest(batch, relativeZxid, toServer));
}

/** Servers older than 3.6 know no persistent watches, so the newer request is sent only where there are some. */
function watchRequest(
  batch: WatchBatch,
  relativeZxid: Zxid,
  toServer: (path: string) => string,
): WatchRequest {
  const record = {
    relativeZxid,
    dataWatches: batch.data.map(toServer),
    existWatches: batch.exist.map(toServer),
    childWatches: batch.child.map(toServer),
    persistentWatches: batch.persistent.map(toServer),
    persistentRecursiveWatches: batch.persistentRecursive.map(toServer),
  };
  const persistent = batch.persistent.length + batch.persistentRecursive.length > 0;
  return persistent
    ? { type: OpCode.setWatches2, write: (writer) => writeSetWatches2(writer, record) }
    : { type: OpCode.setWatches, write: (writer) => writeSetWatches(writer, record) };
}
