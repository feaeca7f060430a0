/**
 * A server's configuration as it lies around in a machine: `zoo.cfg`, `myid`, the dynamic file, and the environment,
 * which stands in for the system properties of a JVM.
 */

import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseProperties } from '../config/javaProperties.ts';
import { dynamicConfigFileOf, parseZooCfg, type ParsedConfig } from '../config/zooCfg.ts';

/** Properties without the prefix `zookeeper.` in Java. */
const BARE_PROPERTIES = ['jute.maxbuffer', 'readonlymode.enabled'];

/** Throws a `ConfigError`, or the system's error if a file is there and cannot be read. */
export function readConfig(
  configFile: string,
  environment: Readonly<Record<string, string | undefined>>,
): ParsedConfig {
  const text = readFileSync(configFile, 'utf8');
  const dataDir = parseProperties(text)
    .findLast(({ key }) => key === 'dataDir')
    ?.value.trim();
  const dynamic = dynamicConfigFileOf(text);
  return parseZooCfg(text, {
    myid: dataDir === undefined ? null : readIfThere(join(dataDir, 'myid')),
    dynamicConfig: dynamic === null ? null : readIfThere(resolve(dirname(configFile), dynamic)),
    properties: propertiesOf(environment),
  });
}

/** `zookeeper_admin_enableServer` is `-Dzookeeper.admin.enableServer`: no shell takes a dot in a name. */
function propertiesOf(
  environment: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const [name, value] of Object.entries(environment)) {
    const dotted = name.replaceAll('_', '.');
    const key = BARE_PROPERTIES.includes(dotted) ? dotted : /^zookeeper\.(.+)/.exec(dotted)?.[1];
    if (key !== undefined && value !== undefined) properties.set(key, value);
  }
  return properties;
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
