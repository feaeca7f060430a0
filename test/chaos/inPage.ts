/** What a chaos run does inside a tab. Each function is sent to the page as it stands: it knows nothing of what is around it. */

import type { NodeInput } from '../../src/sim/run/nodeRegister.ts';

export type Task =
  /** `synced`: a read first catches up with the leader. */
  | {
      readonly kind: 'register';
      readonly path: string;
      readonly input: NodeInput;
      readonly synced: boolean;
    }
  /** Created once by that name and never deleted. */
  | { readonly kind: 'kept'; readonly path: string; readonly value: string }
  | { readonly kind: 'sequence'; readonly path: string }
  | { readonly kind: 'ephemeral'; readonly path: string }
  /** Whether an ephemeral node is still there. */
  | { readonly kind: 'look'; readonly path: string };

/** What the tab's client was told. */
export interface Told {
  readonly outcome:
    | { readonly ok: true; readonly path: string; readonly version: number; readonly value: string }
    | { readonly ok: false; readonly error: number };
  /** Of the node that was written or read; null: none, or not told. Hex, as the next. */
  readonly mzxid: string | null;
  readonly session: string;
  /** The newest that the session has seen. */
  readonly lastZxid: string;
  /** Of the server's reign when it was asked, and when it had answered. */
  readonly epoch: number;
  readonly epochAfter: number;
  /** A reply that shows a change whose watch has not fired; null: none. */
  readonly lateWatch: string | null;
}

interface Watched {
  mzxid: bigint;
  fired: boolean;
}

declare global {
  /** By client, which is by session, then by path. */
  var chaosWatches: WeakMap<object, Map<string, Watched>> | undefined;
}

/** Null: it was not asked, since this tab does not serve. Rejects where nobody can tell whether it was done. */
export async function perform(task: Task): Promise<Told | null> {
  const room = globalThis.tabkeeper;
  if (room?.client.state !== 'connected') return null;
  const { client } = room;
  const { epoch, serving } = room.status();
  if (!serving) return null;
  const byClient = (globalThis.chaosWatches ??= new WeakMap<object, Map<string, Watched>>());
  const watches = byClient.get(client) ?? new Map<string, Watched>();
  byClient.set(client, watches);
  let lateWatch: string | null = null;
  const shown: { mzxid: bigint | null } = { mzxid: null };

  const read = async (path: string): Promise<Told['outcome']> => {
    const watched: Watched = { mzxid: 0n, fired: false };
    const { data, stat } = await client.getData(path, () => {
      watched.fired = true;
    });
    shown.mzxid = stat.mzxid;
    const before = watches.get(path);
    if (before !== undefined && !before.fired && stat.mzxid > before.mzxid) {
      lateWatch = `${path} was watched at 0x${before.mzxid.toString(16)} and is shown at 0x${stat.mzxid.toString(16)} without an event`;
    }
    watched.mzxid = stat.mzxid;
    watches.set(path, watched);
    const value = new TextDecoder().decode(data ?? new Uint8Array());
    return { ok: true, path, version: stat.version, value };
  };
  const register = async (path: string, input: NodeInput, synced: boolean) => {
    switch (input.kind) {
      case 'create': {
        const { stat } = await client.create2(path, input.value);
        shown.mzxid = stat.mzxid;
        return { ok: true, path, version: stat.version, value: input.value } as const;
      }
      case 'set': {
        const stat = await client.setData(path, input.value, input.expected);
        shown.mzxid = stat.mzxid;
        return { ok: true, path, version: stat.version, value: input.value } as const;
      }
      case 'delete':
        await client.delete(path, input.expected);
        return { ok: true, path, version: -1, value: '' } as const;
      case 'read':
        if (synced) await client.sync('/');
        return read(path);
    }
  };
  const act = async (): Promise<Told['outcome']> => {
    switch (task.kind) {
      case 'register':
        return register(task.path, task.input, task.synced);
      case 'kept': {
        const { stat } = await client.create2(task.path, task.value);
        shown.mzxid = stat.mzxid;
        return { ok: true, path: task.path, version: 0, value: task.value };
      }
      case 'sequence':
        return {
          ok: true,
          path: await client.create(task.path, '', { mode: 2 }),
          version: 0,
          value: '',
        };
      case 'ephemeral':
        return {
          ok: true,
          path: await client.create(task.path, '', { mode: 1 }),
          version: 0,
          value: '',
        };
      case 'look': {
        const stat = await client.exists(task.path);
        return { ok: true, path: task.path, version: 0, value: stat === null ? 'gone' : 'there' };
      }
    }
  };
  let outcome: Told['outcome'];
  try {
    outcome = await act();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? Number(error.code) : 0;
    // No node, bad version, node exists: an answer. Everything else leaves it open.
    if (code !== -101 && code !== -103 && code !== -110) throw error;
    outcome = { ok: false, error: code };
  }
  return {
    outcome,
    mzxid: shown.mzxid === null ? null : shown.mzxid.toString(16),
    session: BigInt.asUintN(64, client.sessionId).toString(16),
    lastZxid: client.lastZxid.toString(16),
    epoch,
    epochAfter: room.status().epoch,
    lateWatch,
  };
}
