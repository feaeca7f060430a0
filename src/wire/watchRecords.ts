/** Requests that set, renew and remove watches, and the event that tells of a change. */

import { type Zxid, zxid } from './ids.ts';
import type { JuteReader, JuteWriter } from './jute.ts';
import { readStrings, writeStrings } from './jute.ts';

/** A client's watches, told again to the server it has moved to. */
export interface SetWatches {
  /** What the client had seen: older changes do not fire. */
  readonly relativeZxid: Zxid;
  readonly dataWatches: readonly string[];
  readonly existWatches: readonly string[];
  readonly childWatches: readonly string[];
}

export interface SetWatches2 extends SetWatches {
  readonly persistentWatches: readonly string[];
  readonly persistentRecursiveWatches: readonly string[];
}

/** `checkWatches` and `removeWatches`. */
export interface RemoveWatchesRequest {
  readonly path: string;
  /** A `WatcherType`. */
  readonly type: number;
}

export interface AddWatchRequest {
  readonly path: string;
  /** An `AddWatchMode`. */
  readonly mode: number;
}

export interface WatcherEvent {
  /** An `EventType`. */
  readonly type: number;
  /** A `KeeperState`. */
  readonly state: number;
  readonly path: string;
}

export function readSetWatches(reader: JuteReader): SetWatches {
  return {
    relativeZxid: zxid(reader.long()),
    dataWatches: readStrings(reader),
    existWatches: readStrings(reader),
    childWatches: readStrings(reader),
  };
}

export function writeSetWatches(writer: JuteWriter, watches: SetWatches): void {
  writer.long(watches.relativeZxid);
  writeStrings(writer, watches.dataWatches);
  writeStrings(writer, watches.existWatches);
  writeStrings(writer, watches.childWatches);
}

export function readSetWatches2(reader: JuteReader): SetWatches2 {
  return {
    ...readSetWatches(reader),
    persistentWatches: readStrings(reader),
    persistentRecursiveWatches: readStrings(reader),
  };
}

export function writeSetWatches2(writer: JuteWriter, watches: SetWatches2): void {
  writeSetWatches(writer, watches);
  writeStrings(writer, watches.persistentWatches);
  writeStrings(writer, watches.persistentRecursiveWatches);
}

export function readRemoveWatchesRequest(reader: JuteReader): RemoveWatchesRequest {
  return { path: reader.requiredString(), type: reader.int() };
}

export function writeRemoveWatchesRequest(writer: JuteWriter, request: RemoveWatchesRequest): void {
  writer.string(request.path);
  writer.int(request.type);
}

export function readAddWatchRequest(reader: JuteReader): AddWatchRequest {
  return { path: reader.requiredString(), mode: reader.int() };
}

export function writeAddWatchRequest(writer: JuteWriter, request: AddWatchRequest): void {
  writer.string(request.path);
  writer.int(request.mode);
}

export function readWatcherEvent(reader: JuteReader): WatcherEvent {
  return { type: reader.int(), state: reader.int(), path: reader.requiredString() };
}

export function writeWatcherEvent(writer: JuteWriter, event: WatcherEvent): void {
  writer.int(event.type);
  writer.int(event.state);
  writer.string(event.path);
}
