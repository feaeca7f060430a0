/** Makes the frames that a client sends. */

import { writeRequestHeader } from '../wire/connectRecords.ts';
import { type JuteWriter, toBytes } from '../wire/jute.ts';
import { LENGTH_BYTES } from './frameReader.ts';

/** Bytes with their length before them. */
export function framed(write: (writer: JuteWriter) => void): Uint8Array {
  return toBytes((writer) => {
    writer.int(0);
    write(writer);
    writer.patchInt(0, writer.length - LENGTH_BYTES);
  });
}

/** A request: header, then what `write` writes. */
export function requestFrame(
  xid: number,
  type: number,
  write: (writer: JuteWriter) => void,
): Uint8Array {
  return framed((writer) => {
    writeRequestHeader(writer, { xid, type });
    write(writer);
  });
}
