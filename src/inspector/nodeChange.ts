/** What became of one node between two moments, in a word and in a few. Pure. */

import { decodeUtf8 } from '../wire/utf8.ts';
import { aclText } from './aclText.ts';
import { counted } from './counted.ts';
import { nodeKind, type NodeState } from './nodeReport.ts';
import { isSameData } from './nodeVersions.ts';

/** `children`: nothing of its own, only its children came or went. `replaced`: deleted, and made anew. */
export type ChangeKind = 'created' | 'deleted' | 'replaced' | 'changed' | 'children';

const SHOWN_CHARACTERS = 40;
/** What stands for bytes that are no UTF-8. */
const NO_TEXT = '\ufffd';

/** Null: the two are the same. */
export function changeKind(before: NodeState | null, after: NodeState | null): ChangeKind | null {
  if (before === null) return after === null ? null : 'created';
  if (after === null) return 'deleted';
  if (before.stat.czxid !== after.stat.czxid) return 'replaced';
  const { mzxid, version, aversion } = before.stat;
  const own =
    mzxid === after.stat.mzxid &&
    version === after.stat.version &&
    aversion === after.stat.aversion &&
    isSameData(before.data, after.data);
  if (!own) return 'changed';
  const { pzxid, cversion, numChildren } = before.stat;
  const children =
    pzxid === after.stat.pzxid &&
    cversion === after.stat.cversion &&
    numChildren === after.stat.numChildren;
  return children ? null : 'children';
}

/** `created /a with “blue”`, `changed /a from “blue” to “green”: version 1`, as a part of a sentence. */
export function changeText(
  path: string,
  before: NodeState | null,
  after: NodeState | null,
): string {
  switch (changeKind(before, after)) {
    case 'created':
      return `created ${path} ${withData(after)}${kindText(after)}`;
    case 'deleted':
      return `deleted ${path}, which held ${dataText(before?.data ?? null)}`;
    case 'replaced':
      return `deleted ${path} and made it anew ${withData(after)}${kindText(after)}`;
    case 'changed':
      return ownChangeText(path, before, after);
    case 'children':
      return `changed the children of ${path}`;
    case null:
      return `left ${path} as it was`;
  }
}

/** `“blue”`, `nothing`, or how many bytes that are no text. */
function dataText(data: Uint8Array | null): string {
  if (data === null || data.length === 0) return 'nothing';
  const text = decodeUtf8(data);
  if (text.includes(NO_TEXT)) return counted(data.length, 'byte');
  const line = text.replace(/\s+/g, ' ');
  return line.length > SHOWN_CHARACTERS ? `“${line.slice(0, SHOWN_CHARACTERS)}…”` : `“${line}”`;
}

const withData = (after: NodeState | null): string => `with ${dataText(after?.data ?? null)}`;

function kindText(after: NodeState | null): string {
  switch (nodeKind(after?.ephemeralOwner ?? 0n)) {
    case 'persistent':
      return '';
    case 'ephemeral':
      return ', ephemeral: it goes with the session';
    case 'container':
      return ', a container: it goes some time after its last child';
    case 'ttl':
      return ', for a time: it goes when nothing has changed it for so long';
  }
}

function ownChangeText(path: string, before: NodeState | null, after: NodeState | null): string {
  if (before === null || after === null) return '';
  const said: string[] = [];
  if (before.stat.mzxid !== after.stat.mzxid || !isSameData(before.data, after.data)) {
    const version = `version ${before.stat.version} → ${after.stat.version}`;
    said.push(
      isSameData(before.data, after.data)
        ? `set ${path} to ${dataText(after.data)}, which it held already (${version})`
        : `changed ${path} from ${dataText(before.data)} to ${dataText(after.data)} (${version})`,
    );
  }
  if (before.stat.aversion !== after.stat.aversion) {
    const list = after.acl.map(aclText).join(', ');
    said.push(`gave ${path} the access list ${list} (aversion ${after.stat.aversion})`);
  }
  return said.join(' and ');
}
