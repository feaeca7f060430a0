/** What the end of a chaos run asks inside a tab. Each function is sent to the page as it stands. */

export interface SessionSight {
  /** 0: no seat yet. */
  readonly sid: number;
  readonly serving: boolean;
  readonly connected: boolean;
  readonly leader: number | null;
  readonly epoch: number;
  readonly session: string;
  /** What a server must never say of itself. */
  readonly problems: readonly string[];
}

export function sight(): SessionSight {
  const room = globalThis.tabkeeper;
  if (room === undefined) throw new Error('this tab has no seat yet');
  const { sid, serving, leader, epoch, stopped } = room.status();
  const events = room.events.flatMap(({ event }) => {
    if (event.topic !== 'storage') return [];
    if (event.type === 'digestMismatch')
      return [`its tree differs at 0x${event.zxid.toString(16)}`];
    if (event.type === 'snapshotRejected') return [`${event.file}: ${event.reason}`];
    return event.type === 'failed' ? [`${event.file}: ${event.message}`] : [];
  });
  return {
    sid,
    serving,
    connected: room.client.state === 'connected',
    leader,
    epoch,
    session: BigInt.asUintN(64, room.client.sessionId).toString(16),
    problems: stopped === null ? events : [stopped, ...events],
  };
}

export interface SurveyedNode {
  readonly value: string;
  readonly owner: string;
  /** Data and every field of the stat. */
  readonly text: string;
}

/** Every node from there on that the tab's server has once it has caught up, by path. */
export async function survey(root: string): Promise<Record<string, SurveyedNode>> {
  const client = globalThis.tabkeeper?.client;
  if (client === undefined) throw new Error('this tab has no seat yet');
  await client.sync('/');
  const nodes: Record<string, SurveyedNode> = {};
  const batch = 100;
  const visit = async (path: string): Promise<string[]> => {
    const { data, stat } = await client.getData(path);
    const { children } = await client.getChildren(path);
    const value = new TextDecoder().decode(data ?? new Uint8Array());
    const fields = Object.entries(stat).map(([name, field]) => `${name} ${field}`);
    const owner = BigInt.asUintN(64, stat.ephemeralOwner).toString(16);
    nodes[path] = { value, owner, text: [`"${value}"`, ...fields].join(', ') };
    return children.map((name) => (path === '/' ? `/${name}` : `${path}/${name}`));
  };
  let paths = [root];
  while (paths.length > 0) {
    const next: string[] = [];
    for (let at = 0; at < paths.length; at += batch) {
      const below = await Promise.all(paths.slice(at, at + batch).map(visit));
      next.push(...below.flat());
    }
    paths = next;
  }
  return nodes;
}
