/** Builds the simulator for Node, as it is or with changes to its source. */
import { build } from 'vite';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';

/** Answers the URL to import. `plugins`: what changes the source on the way. */
export async function buildSimulator(outDir = 'dist/sim', plugins = []) {
  await build({
    configFile: 'vite.sim.config.ts',
    logLevel: 'error',
    build: { outDir, sourcemap: plugins.length === 0 },
    plugins,
  });
  return pathToFileURL(resolve(outDir, 'index.js')).href;
}
