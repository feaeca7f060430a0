/**
 * What `test/interop` is judged by: Java, Debian's ZooKeeper with its command line client, its C client and kazoo. Says
 * what is missing; run as a program, installs it with apt where it can (Debian, as root).
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** A file of each package that the tests use. */
const NEEDED = {
  'default-jre-headless': '/usr/bin/java',
  zookeeper: '/usr/share/zookeeper/bin/zkCli.sh',
  'libzookeeper-java': '/usr/share/java/zookeeper.jar',
  'libslf4j-java': '/usr/share/java/slf4j-log4j12.jar',
  'liblog4j1.2-java': '/usr/share/java/log4j-1.2.jar',
  'zookeeper-bin': '/usr/lib/zookeeper/bin/cli_mt',
  'python3-kazoo': '/usr/lib/python3/dist-packages/kazoo/__init__.py',
  'util-linux': '/usr/bin/setpriv',
};

/** Debian's names of the packages that are not there. */
export const missingPackages = () =>
  Object.keys(NEEDED).filter((name) => !existsSync(NEEDED[name]));

function install(packages) {
  const apt = (...args) => spawnSync('apt-get', args, { stdio: 'inherit' }).status === 0;
  return (
    apt('update', '-qq') && apt('install', '-y', '-qq', '--no-install-recommends', ...packages)
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const missing = missingPackages();
  const canInstall = existsSync('/etc/debian_version') && process.getuid?.() === 0;
  if (missing.length > 0 && canInstall) {
    console.log(`Installing the real ZooKeeper to be judged by: ${missing.join(', ')}`);
    if (!install(missing)) process.exitCode = 1;
  }
}
