/** ZooKeeper's error codes (`KeeperException.Code`) and the error that carries one to people. */

export const ErrorCode = {
  Ok: 0,
  SystemError: -1,
  RuntimeInconsistency: -2,
  DataInconsistency: -3,
  ConnectionLoss: -4,
  MarshallingError: -5,
  Unimplemented: -6,
  OperationTimeout: -7,
  BadArguments: -8,
  UnknownSession: -12,
  NewConfigNoQuorum: -13,
  ReconfigInProgress: -14,
  APIError: -100,
  NoNode: -101,
  NoAuth: -102,
  BadVersion: -103,
  NoChildrenForEphemerals: -108,
  NodeExists: -110,
  NotEmpty: -111,
  SessionExpired: -112,
  InvalidCallback: -113,
  InvalidACL: -114,
  AuthFailed: -115,
  SessionMoved: -118,
  NotReadOnly: -119,
  EphemeralOnLocalSession: -120,
  NoWatcher: -121,
  RequestTimeout: -122,
  ReconfigDisabled: -123,
  SessionClosedRequireSaslAuth: -124,
  QuotaExceeded: -125,
  ThrottledOp: -127,
} as const;

/** What to tell a person, after the name and the path. */
const meanings = new Map<number, string>([
  [ErrorCode.Ok, 'nothing is wrong'],
  [ErrorCode.SystemError, 'the server failed in a way it has no other code for'],
  [
    ErrorCode.RuntimeInconsistency,
    'an earlier operation of the same multi failed, so this one was not done',
  ],
  [ErrorCode.DataInconsistency, 'the server found its data inconsistent'],
  [ErrorCode.MarshallingError, 'the server could not read the request'],
  [ErrorCode.Unimplemented, 'the server does not offer this operation'],
  [ErrorCode.OperationTimeout, 'the operation took too long'],
  [ErrorCode.BadArguments, 'the server refused an argument, such as the path or the flags'],
  [ErrorCode.UnknownSession, 'the server does not know this session'],
  [ErrorCode.NewConfigNoQuorum, 'no quorum of the new configuration is connected and in sync'],
  [ErrorCode.ReconfigInProgress, 'another reconfiguration is still going on'],
  [ErrorCode.APIError, 'the server refused the request'],
  [ErrorCode.NoNode, 'there is no such node'],
  [ErrorCode.NoAuth, 'the access control list does not allow it'],
  [ErrorCode.BadVersion, 'the node has another version than the one given'],
  [ErrorCode.NoChildrenForEphemerals, 'an ephemeral node cannot have children'],
  [ErrorCode.NodeExists, 'the node exists already'],
  [ErrorCode.NotEmpty, 'the node has children'],
  [ErrorCode.SessionExpired, 'the session has expired; open a new one'],
  [ErrorCode.InvalidCallback, 'the callback is invalid'],
  [ErrorCode.InvalidACL, 'the access control list is invalid'],
  [ErrorCode.AuthFailed, 'the authentication was refused'],
  [ErrorCode.SessionMoved, 'the session has moved to another server'],
  [ErrorCode.NotReadOnly, 'the server is read-only'],
  [ErrorCode.EphemeralOnLocalSession, 'a local session cannot own an ephemeral node'],
  [ErrorCode.NoWatcher, 'there is no such watch'],
  [ErrorCode.RequestTimeout, 'the request timed out'],
  [ErrorCode.ReconfigDisabled, 'reconfiguration is switched off'],
  [ErrorCode.SessionClosedRequireSaslAuth, 'the server asks for SASL authentication'],
  [ErrorCode.QuotaExceeded, 'the quota is exceeded'],
  [ErrorCode.ThrottledOp, 'the server has too much to do'],
]);

const names = new Map<number, string>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
);

/** `NoNode`, or `error -77` for a code that is none. */
const errorName = (code: number): string => names.get(code) ?? `error ${code}`;

/** An operation failed with one of ZooKeeper's codes. */
export class KeeperError extends Error {
  override readonly name = 'KeeperError';
  readonly code: number;
  /** The path it was about; null where there is none. */
  readonly path: string | null;

  /** `meaning` says what is wrong in words, where more is known than the code tells. */
  constructor(code: number, path: string | null = null, meaning = meanings.get(code)) {
    const subject = path === null ? errorName(code) : `${errorName(code)} for ${path}`;
    super(meaning === undefined ? subject : `${subject}: ${meaning}`);
    this.code = code;
    this.path = path;
  }
}
