/**
 * Everything a server answers from its own tree: reads, watches, and what a client may ask about itself. Each answer is
 * computed at once and written later; what fails throws a KeeperError, what cannot be read a JuteError.
 */

import { checkACL, maskDigestIds } from '../tree/acl.ts';
import type { DataNode } from '../tree/dataNode.ts';
import { validatePath } from '../tree/paths.ts';
import {
  readCheckVersionRequest,
  readPathRequest,
  readReadRequest,
  type ReadRequest,
} from '../wire/clientRequests.ts';
import {
  writeErrorResponse,
  writeGetACLResponse,
  writeGetAllChildrenNumberResponse,
  writeGetChildren2Response,
  writeGetChildrenResponse,
  writeGetDataResponse,
  writeGetEphemeralsResponse,
  writePathResponse,
  writeWhoAmIResponse,
} from '../wire/clientResponses.ts';
import { Perms, writeStat, type ClientInfo, type Id } from '../wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import { JuteReader } from '../wire/jute.ts';
import {
  readMultiRequest,
  writeMultiResponse,
  type MultiOp,
  type MultiResult,
} from '../wire/multiRecords.ts';
import { OpCode } from '../wire/opCodes.ts';
import {
  readAddWatchRequest,
  readRemoveWatchesRequest,
  readSetWatches,
  readSetWatches2,
} from '../wire/watchRecords.ts';
import { AddWatchMode, WatcherType } from '../wire/watchTypes.ts';
import type { Request } from './request.ts';
import type { ReplyBody, ServerCnxn } from './serverCnxn.ts';
import { nextVersion } from './txnPreparation.ts';
import type { ZooKeeperServer } from './zooKeeperServer.ts';

/** The answer to a request that is no transaction; null for one without a body. */
export function answerLocally(
  server: ZooKeeperServer,
  request: Request,
  cnxn: ServerCnxn,
): ReplyBody | null {
  const { tree } = server.db;
  const reader = new JuteReader(request.payload);
  switch (request.type) {
    case OpCode.exists:
      return exists(server, readReadRequest(reader), cnxn);
    case OpCode.getData: {
      const response = getData(server, request, readReadRequest(reader), cnxn);
      return (writer) => {
        writeGetDataResponse(writer, response);
      };
    }
    case OpCode.getChildren:
    case OpCode.getChildren2: {
      const response = getChildren(server, request, readReadRequest(reader), cnxn);
      const write =
        request.type === OpCode.getChildren ? writeGetChildrenResponse : writeGetChildren2Response;
      return (writer) => {
        write(writer, response);
      };
    }
    case OpCode.getACL:
      return getACL(server, request, readPathRequest(reader).path);
    case OpCode.getAllChildrenNumber: {
      const { path } = readPathRequest(reader);
      checkNode(server, request, path, Perms.READ);
      const totalNumber = tree.getAllChildrenNumber(path);
      return (writer) => {
        writeGetAllChildrenNumberResponse(writer, { totalNumber });
      };
    }
    case OpCode.getEphemerals:
      return getEphemerals(server, request, reader.string());
    case OpCode.multiRead:
      return multiRead(server, request, readMultiRequest(reader), cnxn);
    case OpCode.check:
      return check(server, request, reader);
    case OpCode.sync: {
      const { path } = readPathRequest(reader);
      return (writer) => {
        writePathResponse(writer, { path });
      };
    }
    case OpCode.whoAmI: {
      const clientInfo = request.authInfo.map(clientInfoOf);
      return (writer) => {
        writeWhoAmIResponse(writer, { clientInfo });
      };
    }
    case OpCode.setWatches:
      tree.setWatches(readSetWatches(reader), cnxn);
      return null;
    case OpCode.setWatches2:
      tree.setWatches(readSetWatches2(reader), cnxn);
      return null;
    case OpCode.addWatch: {
      const { path, mode } = readAddWatchRequest(reader);
      tree.addWatch(path, cnxn, oneOf(AddWatchMode, mode));
      return (writer) => {
        writeErrorResponse(writer, { err: ErrorCode.Ok });
      };
    }
    case OpCode.checkWatches: {
      const { path, type } = readRemoveWatchesRequest(reader);
      if (tree.containsWatcher(path, oneOf(WatcherType, type), cnxn)) return null;
      throw new KeeperError(ErrorCode.NoWatcher, path);
    }
    case OpCode.removeWatches: {
      const { path, type } = readRemoveWatchesRequest(reader);
      if (tree.removeWatch(path, oneOf(WatcherType, type), cnxn)) return null;
      throw new KeeperError(ErrorCode.NoWatcher, path);
    }
    default:
      throw new KeeperError(ErrorCode.Unimplemented);
  }
}

/** As ZooKeeper 3.8.0: no permission is asked for, and a watch is left even on a node that is not there. */
function exists(server: ZooKeeperServer, body: ReadRequest, cnxn: ServerCnxn): ReplyBody {
  if (body.path.includes('\0')) throw new KeeperError(ErrorCode.BadArguments, body.path);
  const stat = server.db.tree.statNode(body.path, body.watch ? cnxn : null);
  return (writer) => {
    writeStat(writer, stat);
  };
}

function getData(
  server: ZooKeeperServer,
  request: Request,
  body: ReadRequest,
  cnxn: ServerCnxn,
): ReturnType<ZooKeeperServer['db']['tree']['getData']> {
  checkNode(server, request, body.path, Perms.READ);
  return server.db.tree.getData(body.path, body.watch ? cnxn : null);
}

function getChildren(
  server: ZooKeeperServer,
  request: Request,
  body: ReadRequest,
  cnxn: ServerCnxn,
): ReturnType<ZooKeeperServer['db']['tree']['getChildren']> {
  checkNode(server, request, body.path, Perms.READ);
  return server.db.tree.getChildren(body.path, body.watch ? cnxn : null);
}

/** READ or ADMIN may see it; without ADMIN the hashes of digest passwords are masked. */
function getACL(server: ZooKeeperServer, request: Request, path: string): ReplyBody {
  const node = checkNode(server, request, path, Perms.READ | Perms.ADMIN);
  const { acl, stat } = server.db.tree.getACL(path);
  const shown = mayAccess(server, request, node, Perms.ADMIN) ? acl : maskDigestIds(acl);
  return (writer) => {
    writeGetACLResponse(writer, { acl: shown, stat });
  };
}

/** The session's own ephemeral nodes below a prefix; none or `/` means all. */
function getEphemerals(
  server: ZooKeeperServer,
  request: Request,
  prefix: string | null,
): ReplyBody {
  const paths = [...server.db.tree.ephemerals(request.sessionId)];
  const all = prefix === null || prefix.trim() === '' || prefix.trim() === '/';
  const ephemerals = all ? paths : paths.filter((path) => path.startsWith(prefix));
  return (writer) => {
    writeGetEphemeralsResponse(writer, { ephemerals });
  };
}

/** Each read fails by itself. Watches cannot be left here. */
function multiRead(
  server: ZooKeeperServer,
  request: Request,
  ops: readonly MultiOp[],
  cnxn: ServerCnxn,
): ReplyBody {
  const results = ops.map((op) => readOne(server, request, op, cnxn));
  return (writer) => {
    writeMultiResponse(writer, results);
  };
}

function readOne(
  server: ZooKeeperServer,
  request: Request,
  op: MultiOp,
  cnxn: ServerCnxn,
): MultiResult {
  try {
    switch (op.type) {
      case OpCode.getData: {
        const response = getData(server, request, { path: op.path, watch: false }, cnxn);
        return { type: op.type, ...response };
      }
      case OpCode.getChildren: {
        const response = getChildren(server, request, { path: op.path, watch: false }, cnxn);
        return { type: op.type, children: response.children };
      }
      default:
        throw new WriteInMultiRead();
    }
  } catch (error) {
    if (error instanceof KeeperError) return { type: OpCode.error, err: error.code };
    throw error instanceof WriteInMultiRead ? new KeeperError(ErrorCode.MarshallingError) : error;
  }
}

/** Fails the whole multiRead and not only the operation. */
class WriteInMultiRead extends Error {}

/**
 * A `check` outside a multi. ZooKeeper 3.8.0 proposes a transaction of it that its followers cannot read; here it is a
 * read, answered with the node's stat.
 */
function check(server: ZooKeeperServer, request: Request, reader: JuteReader): ReplyBody {
  const { path, version } = readCheckVersionRequest(reader);
  validatePath(path);
  const node = checkNode(server, request, path, Perms.READ);
  nextVersion(node.version, version, path);
  const stat = server.db.tree.statNode(path, null);
  return (writer) => {
    writeStat(writer, stat);
  };
}

function checkNode(
  server: ZooKeeperServer,
  request: Request,
  path: string,
  perms: number,
): DataNode {
  const node = server.db.tree.getNode(path);
  if (node === null) throw new KeeperError(ErrorCode.NoNode, path);
  if (!mayAccess(server, request, node, perms)) throw new KeeperError(ErrorCode.NoAuth, path);
  return node;
}

const mayAccess = (
  server: ZooKeeperServer,
  request: Request,
  node: DataNode,
  perms: number,
): boolean =>
  server.options.skipACL || checkACL(server.db.tree.aclOf(node), perms, request.authInfo);

/** A user's name, never the hash that stands for the password. */
const clientInfoOf = (id: Id): ClientInfo => ({
  authScheme: id.scheme,
  user: id.scheme === 'digest' ? id.id.replace(/:.*/s, '') : id.id,
});

/** What is no value of the enumeration answers like a record that cannot be read, as ZooKeeper does. */
function oneOf<T extends number>(values: Readonly<Record<string, T>>, value: number): T {
  const found = Object.values(values).find((one) => one === value);
  if (found === undefined) throw new KeeperError(ErrorCode.MarshallingError);
  return found;
}
