/** Which record follows which header, so that the tests can go over all of them. */

import * as requests from '../../../src/wire/clientRequests.ts';
import * as responses from '../../../src/wire/clientResponses.ts';
import * as data from '../../../src/wire/dataRecords.ts';
import type { JuteReader, JuteWriter } from '../../../src/wire/jute.ts';
import * as multi from '../../../src/wire/multiRecords.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import * as watches from '../../../src/wire/watchRecords.ts';

export interface Recoding {
  /** The record as the captures spell it. */
  readonly value: unknown;
  readonly write: (writer: JuteWriter) => void;
}

/** Reads one record and remembers how to write it again. */
export type Recode = (reader: JuteReader) => Recoding;

function codec<T>(
  read: (reader: JuteReader) => T,
  write: (writer: JuteWriter, value: T) => void,
  spell: (value: T) => unknown = (value) => value,
): Recode {
  return (reader) => {
    const value = read(reader);
    return { value: spell(value), write: (writer) => write(writer, value) };
  };
}

const create = codec(requests.readCreateRequest, requests.writeCreateRequest);
const read = codec(requests.readReadRequest, requests.writeReadRequest);
const path = codec(requests.readPathRequest, requests.writePathRequest);
const pathResponse = codec(responses.readPathResponse, responses.writePathResponse);
const create2Response = codec(responses.readCreate2Response, responses.writeCreate2Response);
const stat = codec(data.readStat, data.writeStat, (value) => ({ stat: value }));
const getData = codec(responses.readGetDataResponse, responses.writeGetDataResponse);
const removeWatches = codec(watches.readRemoveWatchesRequest, watches.writeRemoveWatchesRequest);
const multiEnd = { header: { type: -1, done: true, err: -1 } };
const multiRequest = codec(multi.readMultiRequest, multi.writeMultiRequest, (ops) => ({
  ops: [...ops.map(({ type, ...request }) => ({ type, request })), multiEnd],
}));
const multiResponse = codec(multi.readMultiResponse, multi.writeMultiResponse, (results) => ({
  results: [...results.map(({ type, ...response }) => ({ type, response })), multiEnd],
}));

export const requestCodecs: ReadonlyMap<number, Recode> = new Map([
  [OpCode.create, create],
  [OpCode.create2, create],
  [OpCode.createContainer, create],
  [OpCode.createTTL, codec(requests.readCreateTTLRequest, requests.writeCreateTTLRequest)],
  [OpCode.delete, codec(requests.readDeleteRequest, requests.writeDeleteRequest)],
  [OpCode.deleteContainer, path],
  [OpCode.exists, read],
  [OpCode.getData, read],
  [OpCode.getChildren, read],
  [OpCode.getChildren2, read],
  [OpCode.setData, codec(requests.readSetDataRequest, requests.writeSetDataRequest)],
  [OpCode.getACL, path],
  [OpCode.setACL, codec(requests.readSetACLRequest, requests.writeSetACLRequest)],
  [OpCode.sync, path],
  [OpCode.check, codec(requests.readCheckVersionRequest, requests.writeCheckVersionRequest)],
  [OpCode.multi, multiRequest],
  [OpCode.multiRead, multiRequest],
  [OpCode.reconfig, codec(requests.readReconfigRequest, requests.writeReconfigRequest)],
  [OpCode.checkWatches, removeWatches],
  [OpCode.removeWatches, removeWatches],
  [OpCode.auth, codec(requests.readAuthPacket, requests.writeAuthPacket)],
  [OpCode.setWatches, codec(watches.readSetWatches, watches.writeSetWatches)],
  [OpCode.setWatches2, codec(watches.readSetWatches2, watches.writeSetWatches2)],
  [OpCode.addWatch, codec(watches.readAddWatchRequest, watches.writeAddWatchRequest)],
  [
    OpCode.getEphemerals,
    codec(requests.readPathRequest, requests.writePathRequest, (request) => ({
      prefixPath: request.path,
    })),
  ],
  [OpCode.getAllChildrenNumber, path],
]);

export const responseCodecs: ReadonlyMap<number, Recode> = new Map([
  [OpCode.create, pathResponse],
  [OpCode.create2, create2Response],
  [OpCode.createContainer, create2Response],
  [OpCode.createTTL, create2Response],
  [OpCode.exists, stat],
  [OpCode.setData, stat],
  [OpCode.setACL, stat],
  [OpCode.getData, getData],
  [OpCode.reconfig, getData],
  [OpCode.getACL, codec(responses.readGetACLResponse, responses.writeGetACLResponse)],
  [
    OpCode.getChildren,
    codec(responses.readGetChildrenResponse, responses.writeGetChildrenResponse),
  ],
  [
    OpCode.getChildren2,
    codec(responses.readGetChildren2Response, responses.writeGetChildren2Response),
  ],
  [OpCode.sync, pathResponse],
  [OpCode.multi, multiResponse],
  [OpCode.multiRead, multiResponse],
  [
    OpCode.getEphemerals,
    codec(responses.readGetEphemeralsResponse, responses.writeGetEphemeralsResponse),
  ],
  [
    OpCode.getAllChildrenNumber,
    codec(responses.readGetAllChildrenNumberResponse, responses.writeGetAllChildrenNumberResponse),
  ],
  [OpCode.whoAmI, codec(responses.readWhoAmIResponse, responses.writeWhoAmIResponse)],
]);

export const eventCodec = codec(watches.readWatcherEvent, watches.writeWatcherEvent);
