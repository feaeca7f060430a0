/** Tells the first thing in which two servers' accounts of one script differ, or that they mean the same. */

import { readReplyHeader } from '../../../src/wire/connectRecords.ts';
import { JuteReader } from '../../../src/wire/jute.ts';
import { OpCode, opName } from '../../../src/wire/opCodes.ts';
import { Correspondence, decodeFrame, difference } from '../../unit/server/goldenFrames.ts';
import { mayDiffer } from './known.ts';
import type { Asked, Account, Outcome } from './conversation.ts';

const NOTIFICATION_XID = -1;
const CONNECT_RESPONSE_BYTES = 37;
const HEADER_BYTES = 16;

/** One line that says where and what, or null. */
export function firstDifference(
  theirs: readonly Outcome[],
  ours: readonly Outcome[],
): string | null {
  const correspondence = new Correspondence();
  for (const [step, outcome] of theirs.entries()) {
    const found = differenceInStep(outcome, ours[step], correspondence);
    if (found !== null) return `step ${step}: ${found}`;
  }
  const disorder = correspondence.outOfOrder();
  return disorder.length === 0 ? null : `zxids in another order: ${disorder.join(', ')}`;
}

function differenceInStep(
  theirs: Outcome,
  ours: Outcome | undefined,
  correspondence: Correspondence,
): string | null {
  if (ours === undefined) return 'not there here';
  const names = (heard: readonly Account[]): string => heard.map(({ who }) => who).join(', ');
  if (names(theirs.heard) !== names(ours.heard)) {
    return `heard ${describe(theirs.heard)} there, ${describe(ours.heard)} here`;
  }
  for (const [i, there] of theirs.heard.entries()) {
    const here = ours.heard[i];
    if (here === undefined) return `${there.who} is not there here`;
    const found = differenceInAccount(there, here, theirs.asked, ours.asked, correspondence);
    if (found !== null) return `${there.who}: ${found}`;
  }
  return null;
}

function differenceInAccount(
  theirs: Account,
  ours: Account,
  askedThere: readonly Asked[],
  askedHere: readonly Asked[],
  correspondence: Correspondence,
): string | null {
  if (theirs.end !== ours.end || theirs.frames.length !== ours.frames.length) {
    return `${describe([theirs])} there, ${describe([ours])} here`;
  }
  const isGreeting = theirs.kind === 'greeting';
  const there = decodeAll(theirs.frames, askedThere, isGreeting);
  const here = decodeAll(ours.frames, askedHere, isGreeting);
  for (const [i, value] of there.entries()) {
    if (isKnown(theirs.frames[i], ours.frames[i], askedThere)) continue;
    const found = difference(value, here[i], correspondence, `frame ${i}`);
    if (found !== null) return found;
  }
  return null;
}

/** Two replies to one request whose error codes may differ; all else in them is the same. */
function isKnown(
  theirs: Uint8Array | undefined,
  ours: Uint8Array | undefined,
  asked: readonly Asked[],
): boolean {
  if (theirs?.length !== HEADER_BYTES || ours?.length !== HEADER_BYTES) return false;
  const [there, here] = [theirs, ours].map((frame) => readReplyHeader(new JuteReader(frame)));
  const request = asked.find(({ xid }) => xid === there?.xid && xid === here?.xid);
  if (there === undefined || here === undefined || request === undefined) return false;
  return mayDiffer(request.code, there.err, here.err);
}

function decodeAll(
  frames: readonly Uint8Array[],
  asked: readonly Asked[],
  isGreeting: boolean,
): unknown[] {
  const left = [...asked];
  const decoded = frames.map((frame, i) => {
    const isSecondGreeting =
      frame.length === CONNECT_RESPONSE_BYTES &&
      asked.some(({ code }) => code === OpCode.createSession);
    if (isGreeting || isSecondGreeting) return decodeFrame(frame, 'connectResponse', '');
    const xid = Buffer.from(frame).readInt32BE(0);
    if (xid === NOTIFICATION_XID) return decodeFrame(frame, 'event', '');
    const at = left.findIndex((one) => one.xid === xid);
    const [request] = at === -1 ? [] : left.splice(at, 1);
    try {
      return withoutPorts(
        decodeFrame(frame, 'reply', request === undefined ? '' : opName(request.code)),
      );
    } catch (error) {
      return { undecodable: i, hex: Buffer.from(frame).toString('hex'), why: String(error) };
    }
  });
  // A session's nodes go in an order of the server's own.
  return asked.some(({ code }) => code === OpCode.closeSession) ? sortedEvents(decoded) : decoded;
}

/** The configuration that every ensemble shows names its own ports. */
function withoutPorts(frame: unknown): unknown {
  const { body } = frame as { body?: { data?: unknown } };
  if (!(body?.data instanceof Uint8Array)) return frame;
  const data = Buffer.from(body.data).toString('latin1');
  if (!data.startsWith('server.1=')) return frame;
  const { stat } = body as { stat?: object };
  const shown = data.replace(/:\d+/g, ':port');
  return {
    ...(frame as object),
    body: { stat: { ...stat, dataLength: shown.length }, data: shown },
  };
}

const sortedEvents = (frames: readonly unknown[]): unknown[] =>
  [...frames].sort((a, b) => (text(a) < text(b) ? -1 : 1));

const text = (value: unknown): string =>
  JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? `${one}n` : one));

const describe = (heard: readonly Account[]): string =>
  heard
    .map(
      ({ who, frames, end }) =>
        `${who} [${frames.map((frame) => Buffer.from(frame).toString('hex')).join(' ')}] ${end}`,
    )
    .join('; ') || 'nothing';
