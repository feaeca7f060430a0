/**
 * `npm test -- package`: packs the package and uses it as a stranger does, in a folder of its own: installs the tarball,
 * compiles against its types, runs its program and the README's own examples, and lets publint and attw judge it.
 * Needs what `npm run build` makes.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { findChromium } from './chromium.mjs';

const PROGRAM_LIMIT_MS = 30_000;
/** The client alone, as Node or a page loads it: far less than the server. */
const CLIENT_LIMIT_BYTES = 150_000;
const CONSUMER_TOOLS = ['typescript', '@types/node', 'undici-types', '@playwright/test'];
const project = resolve(import.meta.dirname, '..');
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'tabkeeper-package-')));
const installed = join(scratch, 'node_modules/tabkeeper');
const json = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** Throws with what the command printed when it does not end as it should. */
function run(command, args, { cwd = scratch, status = 0, ...options } = {}) {
  const result = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    ...options,
  });
  if (result.status === status) return result.stdout;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`;
  throw new Error(`${command} ${args.join(' ')} ended with ${result.status}:\n${output}`);
}

const projectTool = (name, ...args) =>
  run('npx', ['--no-install', name, ...args], { cwd: project });

function pack() {
  const [packed] = JSON.parse(
    run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', scratch], {
      cwd: project,
    }),
  );
  console.log(
    `${packed.filename}: ${Math.round(packed.size / 1024)} KiB, ${packed.entryCount} files`,
  );
  return packed;
}

/** With a lock file made from ours, so that npm takes from its cache what it has installed here before. */
function install({ filename, integrity }) {
  const own = json(join(project, 'package.json'));
  const { packages } = json(join(project, 'package-lock.json'));
  const { name, version, dependencies, bin, engines, peerDependencies, peerDependenciesMeta } = own;
  const root = { name: 'stranger', version: '1.0.0', dependencies: { [name]: `file:${filename}` } };
  const entries = Object.keys(dependencies).map((dependency) => [
    `node_modules/${dependency}`,
    packages[`node_modules/${dependency}`],
  ]);
  const lock = {
    name: root.name,
    version: root.version,
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': root,
      ...Object.fromEntries(entries),
      [`node_modules/${name}`]: {
        version,
        resolved: `file:${filename}`,
        integrity,
        dependencies,
        bin,
        engines,
        peerDependencies,
        peerDependenciesMeta,
      },
    },
  };
  writeFileSync(join(scratch, 'package.json'), JSON.stringify({ ...root, type: 'module' }));
  writeFileSync(join(scratch, 'package-lock.json'), JSON.stringify(lock));
  run('npm', ['ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']);
  for (const tool of CONSUMER_TOOLS) {
    const link = join(scratch, 'node_modules', tool);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(project, 'node_modules', tool), link, 'junction');
  }
}

/** A consumer of ours, compiled against the installed types. */
function compile(consumer, compilerOptions) {
  const usual = {
    target: 'ES2022',
    lib: ['ES2023', 'DOM', 'ESNext.Disposable'],
    types: [],
    strict: true,
    noEmit: true,
  };
  cpSync(join(project, 'test/package', consumer), join(scratch, 'consumer.ts'));
  const config = { compilerOptions: { ...usual, ...compilerOptions }, files: ['consumer.ts'] };
  writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify(config));
  run(process.execPath, [join(project, 'node_modules/typescript/bin/tsc'), '-p', '.']);
}

function types() {
  const inNode = { types: ['node'] };
  compile('consumer.ts', { ...inNode, module: 'nodenext', moduleResolution: 'nodenext' });
  compile('consumer.ts', { ...inNode, module: 'esnext', moduleResolution: 'bundler' });
  compile('browser/consumer.ts', {
    module: 'esnext',
    moduleResolution: 'bundler',
    customConditions: ['browser'],
  });
}

const judges = ({ filename }) => {
  projectTool('publint', '--strict', join(scratch, filename));
  projectTool('attw', join(scratch, filename), '--profile', 'esm-only', '--format', 'ascii');
};

/** Everything that an import of this file loads besides Node's own modules and other packages. */
function closure(file, done = new Set()) {
  if (done.has(file)) return done;
  done.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*["'](\.[^"']+)["']/g);
  for (const [, path] of imports) closure(join(dirname(file), path), done);
  return done;
}

/** Whoever wants a client gets neither a server nor what only the other kind of client needs. */
function clientIsSmall(entry, foreign) {
  const files = [...closure(join(installed, entry))];
  const bytes = files.reduce((sum, file) => sum + readFileSync(file).length, 0);
  const sources = files
    .map((file) => `${file}.map`)
    .filter((file) => existsSync(file))
    .flatMap((file) => json(file).sources);
  const stranger = sources.find((source) => foreign.test(source));
  if (stranger) throw new Error(`${entry} loads ${stranger}`);
  if (sources.length === 0) throw new Error(`${entry} has no source maps to judge it by`);
  if (bytes > CLIENT_LIMIT_BYTES) throw new Error(`${entry} loads ${bytes} bytes`);
}

function clientsAreSmall() {
  clientIsSmall('dist/node/client.js', /src\/(quorum|server|storage|browser|room)\//);
  clientIsSmall('dist/browser/client.js', /src\/(quorum|server|storage|node|room)\//);
  const { exports } = json(join(installed, 'package.json'));
  const page = readFileSync(join(installed, exports['./client'].browser.default), 'utf8');
  const foreign = /(?:from|import)\s*\(?["'][^"']+["']/.exec(page)?.[0];
  if (foreign) throw new Error(`a page's client has to load more than itself: ${foreign}`);
}

function program() {
  const bin = join(installed, json(join(installed, 'package.json')).bin.tabkeeper);
  const help = run(process.execPath, [bin, '--help']);
  if (!help.includes('server <zoo.cfg>')) throw new Error(`--help says: ${help}`);
  run(process.execPath, [bin, 'server', 'no such file'], { status: 2 });
  return servesTheApp(bin);
}

async function servesTheApp(bin) {
  const server = spawn(process.execPath, [bin, '--port', '0'], { cwd: scratch });
  const limit = setTimeout(() => server.kill(), PROGRAM_LIMIT_MS);
  try {
    let output = '';
    for await (const chunk of server.stdout) {
      output += chunk;
      const link = /http:\/\/\S+/.exec(output)?.[0];
      if (!link) continue;
      const page = await (await fetch(link)).text();
      if (!page.includes('<title>Tabkeeper')) throw new Error(`${link} answers: ${page}`);
      return;
    }
    throw new Error(`the program printed no link: ${output}`);
  } finally {
    clearTimeout(limit);
    server.kill();
  }
}

/** The first `js` or `ts` example under that heading, as a reader would copy it. */
function example(heading) {
  const readme = readFileSync(join(project, 'README.md'), 'utf8');
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0];
  const code = section && /```(?:js|ts)\n([\s\S]*?)```/.exec(section)?.[1];
  if (!code) throw new Error(`README.md has no example under "${heading}"`);
  return code;
}

function nodeExample() {
  writeFileSync(join(scratch, 'example.mjs'), example('ZooKeeper for your tests without a JVM'));
  const output = run(process.execPath, ['example.mjs'], { timeout: PROGRAM_LIMIT_MS });
  if (output.trim() !== 'hello') throw new Error(`the README's example printed: ${output}`);
}

async function playwrightExample() {
  const executablePath = await findChromium();
  const use = { launchOptions: { args: ['--no-sandbox'], executablePath } };
  writeFileSync(
    join(scratch, 'playwright.config.mjs'),
    `export default ${JSON.stringify({ testDir: '.', timeout: 90_000, use })};`,
  );
  writeFileSync(
    join(scratch, 'example.spec.ts'),
    example('A cluster of tabs in your Playwright tests'),
  );
  const cli = join(scratch, 'node_modules/@playwright/test/cli.js');
  run(process.execPath, [cli, 'test', '--reporter', 'line']);
}

const steps = [
  ['types', types],
  ['publint and attw', judges],
  ['a client loads the client only', clientsAreSmall],
  ['the program', program],
  ['README: ensemble in Node', nodeExample],
  ['README: ensemble of tabs', playwrightExample],
];

try {
  run(process.execPath, ['scripts/declarations.mjs'], { cwd: project });
  const packed = pack();
  install(packed);
  for (const [name, step] of steps) {
    const started = performance.now();
    await step(packed);
    console.log(`ok ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
