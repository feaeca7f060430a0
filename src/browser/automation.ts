/** Puts up `window.tabkeeper` over a tab's server. */

import { zxidToString } from '../wire/ids.ts';
import type { Automation } from './automationContract.ts';
import type { TabServer } from './tabServer.ts';

type Controls = Pick<
  TabServer,
  'status' | 'members' | 'client' | 'events' | 'watch' | 'stop' | 'start'
>;

export function automationOf(server: Controls): Automation {
  return {
    status: () => {
      const { sid, state, leader, epoch, zxid, servers, serving, stopped } = server.status();
      return {
        sid: Number(sid),
        state,
        leader: leader === null ? null : Number(leader),
        epoch: Number(epoch),
        zxid: zxidToString(zxid),
        servers: servers.map(Number),
        serving,
        stopped,
      };
    },
    members: () =>
      server.members().map(({ sid, presence, state, link }) => ({
        sid: Number(sid),
        presence,
        state,
        link,
      })),
    get client() {
      return server.client;
    },
    get events() {
      return server.events;
    },
    watch: (topics) => server.watch(topics),
    stop: () => server.stop(),
    start: () => server.start(),
  };
}
