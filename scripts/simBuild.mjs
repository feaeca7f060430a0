/** Builds the simulator for Node, as it is or with changes to its source. */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';

/** Each process builds into a folder of its own, so that one may run while another builds. Gone when it ends. */
const BUILDS_DIR = resolve('dist', `sim-${process.pid}`);
let buildCount = 0;
process.once('exit', () => rmSync(BUILDS_DIR, { recursive: true, force: true }));

/** Answers the URL to import. `plugins`: what changes the source on the way. */
export async function buildSimulator(plugins = []) {
  const outDir = resolve(BUILDS_DIR, String(buildCount++));
  await build({
    configFile: 'vite.sim.config.ts',
    logLevel: 'error',
    build: { outDir, sourcemap: plugins.length === 0 },
    plugins,
  });
  return pathToFileURL(resolve(outDir, 'index.js')).href;
}

/** The lines that a mutant changes. */
export function editsOf(mutant) {
  return [mutant, ...(mutant.also ?? [])];
}

/** A plugin that puts the mistake into the source as it is read. */
export function mutation(mutant) {
  const edits = editsOf(mutant).map(({ file, from, to }) => ({
    path: resolve('src', file).replaceAll('\\', '/'),
    from,
    to,
  }));
  return {
    name: 'mutation',
    enforce: 'pre',
    transform: (code, id) => {
      const mine = edits.filter(({ path }) => id.replaceAll('\\', '/') === path);
      if (mine.length === 0) return null;
      return mine.reduce((changed, { from, to }) => changed.replace(from, () => to), code);
    },
  };
}
