/** What was asked for on the command line, read and checked. It starts nothing and prints nothing. */

import { parseArgs } from 'node:util';

export type Command =
  | RoomsCommand
  | { readonly kind: 'server'; readonly configFile: string }
  | { readonly kind: 'help' }
  /** A sentence that says what is wrong and what would do. */
  | { readonly kind: 'bad'; readonly problem: string };

interface RoomsCommand {
  readonly kind: 'rooms';
  /** For everybody on the network, not this machine alone. */
  readonly everybody: boolean;
  readonly https: boolean;
  /** 0: any free one. */
  readonly port: number;
  /** Whose pages may embed or open the app. */
  readonly embedders: readonly string[];
}

export const USAGE = `tabkeeper [--host] [--https] [--port <number>] [--embed <origin>]
                    in a clone: npm start -- ...
  --host            other machines on your network may open the link too
  --https           with a certificate made on the spot; browsers warn about it
  --port <number>   default 8080, or PORT; the next free one if it is taken
  --embed <origin>  pages of that origin may embed or open rooms, and ask to be clients
                    of their tabs; as often as you like
  --help            this text

tabkeeper server <zoo.cfg>
  one server of a ZooKeeper ensemble in this process`;

const DEFAULT_PORT = '8080';
const LAST_PORT = 65_535;

/** `args` without the program's name; `environmentPort` is what PORT says. */
export function readCommand(args: readonly string[], environmentPort: string | undefined): Command {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        host: { type: 'boolean', default: false },
        https: { type: 'boolean', default: false },
        port: { type: 'string' },
        embed: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    if (positionals[0] === 'server') return serverCommand(positionals.slice(1));
    if (positionals[0] !== undefined) return bad(strangeWord(positionals[0]));
    const wanted = values.port ?? (environmentPort || DEFAULT_PORT);
    const port = readPort(wanted);
    if (port === null) {
      const from = values.port === undefined ? 'PORT' : '--port';
      return bad(`${from} is "${wanted}", but a port is a whole number from 0 to ${LAST_PORT}.`);
    }
    const embedders = values.embed;
    const noOrigin = embedders.find((text) => !isOrigin(text));
    if (noOrigin !== undefined) return bad(`--embed is "${noOrigin}", but ${ORIGIN_FORM}`);
    return { kind: 'rooms', everybody: values.host, https: values.https, port, embedders };
  } catch (error) {
    // parseArgs says by such a code that a flag is unknown or lacks its value; its first sentence is the one for people.
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!(error instanceof Error) || !code.startsWith('ERR_PARSE_ARGS')) throw error;
    return bad(`${error.message.split('. ', 1)[0] ?? error.message}.`);
  }
}

const ORIGIN_FORM = 'an origin is a scheme, a host and maybe a port, as https://app.example:8443.';

const isOrigin = (text: string): boolean =>
  /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;

function serverCommand(files: readonly string[]): Command {
  const [configFile, more] = files;
  if (configFile === undefined || more !== undefined) {
    return bad('"server" takes one word more: the path of a zoo.cfg.');
  }
  return { kind: 'server', configFile };
}

function strangeWord(word: string): string {
  return /^\d+$/.test(word)
    ? `"${word}" stands alone. For a port: --port ${word}`
    : `"${word}" means nothing here. (--host takes no address: it opens the link to the whole network.)`;
}

function readPort(text: string): number | null {
  const port = Number(text);
  return /^\d+$/.test(text) && port <= LAST_PORT ? port : null;
}

const bad = (problem: string): Command => ({ kind: 'bad', problem });
