/** The console's commands about the ensemble's configuration: `config` and `reconfig`. */

import { decodeUtf8 } from '../../wire/utf8.ts';
import { type CommandContext, command } from './command.ts';
import { type Arguments, CommandError } from './commandLine.ts';
import { statLines } from './printing.ts';

const CONFIG = '/zookeeper/config';
const RECONFIG_USAGE =
  '[-s] [-v version] [[-file path] | [-members serverID=host:port1:port2;port3[,...]*]] | [-add serverId=host:port1:port2;port3[,...]]* [-remove serverId[,...]*]';

export const configCommand = command('[-c] [-w] [-s]', { flags: 'cws', wordCount: 0 }, config);

export const reconfigCommand = command(
  RECONFIG_USAGE,
  {
    flags: 's',
    valued: 'v',
    valuedNames: ['file', 'members', 'add', 'remove'],
    wordCount: 0,
  },
  reconfig,
);

async function config(
  { client, print, watcher }: CommandContext,
  { options }: Arguments,
): Promise<void> {
  const { data, stat } = await client.getData(CONFIG, options.has('w') ? watcher : false);
  const text = data === null ? '' : decodeUtf8(data);
  print(options.has('c') ? clientConfig(text) : text);
  if (options.has('s')) print(...statLines(stat));
}

/** The version and where clients connect: what `config -c` is for. A port alone stands for every address of its host. */
function clientConfig(text: string): string {
  const addresses = [...text.matchAll(/^server\.\d+=.*;(.+)$/gm)].map(([, address = '']) =>
    address.includes(':') ? address : `0.0.0.0:${address}`,
  );
  return `${/^version=(.+)$/m.exec(text)?.[1] ?? ''} ${addresses.join(',')}`;
}

/** Whatever the servers say to it; those of a room have reconfiguration switched off, as ZooKeeper's are by default. */
async function reconfig({ client, print }: CommandContext, { options }: Arguments): Promise<void> {
  const asked = (name: string): string | null => options.get(name)?.toLowerCase() ?? null;
  const [file, members, joining, leaving] = ['file', 'members', 'add', 'remove'].map(asked);
  const whole = file ?? members ?? null;
  const change = joining ?? leaving ?? null;
  if (whole === null && change === null) throw new CommandError(`reconfig ${RECONFIG_USAGE}`);
  const version = versionOf(options.get('v'));
  if (whole !== null && change !== null) {
    throw new CommandError(
      "Can't use -file or -members together with -add or -remove (mixing incremental and non-incremental modes is not allowed)",
    );
  }
  if (file !== null && members !== null) {
    throw new CommandError(
      "Can't use -file and -members together (conflicting non-incremental modes)",
    );
  }
  if (file !== null) {
    throw new CommandError('A page cannot read files; give the servers with -members.');
  }
  const { data, stat } = await client.reconfigure({
    joiningServers: joining ?? null,
    leavingServers: leaving ?? null,
    newMembers: members ?? null,
    curConfigId: version,
  });
  print(`Committed new configuration:\n${data === null ? '' : decodeUtf8(data)}`);
  if (options.has('s')) print(...statLines(stat));
}

/** Of a configuration, in hex. */
function versionOf(text: string | undefined): bigint {
  if (text === undefined) return -1n;
  const [, sign = '', digits] = /^([+-]?)([0-9a-f]{1,16})$/i.exec(text) ?? [];
  if (digits === undefined) {
    throw new CommandError('-v must be followed by a long (configuration version)');
  }
  const value = BigInt(`0x${digits}`);
  return sign === '-' ? -value : value;
}
