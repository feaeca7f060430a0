import { svelte } from '@sveltejs/vite-plugin-svelte';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin, type UserConfig } from 'vite';

const source = (file: string): string => fileURLToPath(new URL(`src/${file}`, import.meta.url));

/** simple-peer is written for Node's modules; a page gets the little of them that it uses. */
const SIMPLE_PEER_NEEDS = {
  'readable-stream': source('browser/simplePeerStream.ts'),
  buffer: source('browser/simplePeerStream.ts'),
  debug: source('browser/simplePeerDebug.ts'),
  randombytes: source('browser/simplePeerRandom.ts'),
};

/** The inspector has an address of its own, on any static host: the same page, which looks at its address. */
const inspectorPage: Plugin = {
  name: 'inspector-page',
  apply: 'build',
  writeBundle: ({ dir = '' }) => copyFileSync(join(dir, 'index.html'), join(dir, 'inspect.html')),
};

/** The app: `vite`, `vite build`. */
const app: UserConfig = {
  plugins: [svelte({ configFile: false }), inspectorPage],
  build: {
    outDir: 'dist/app',
    emptyOutDir: true,
    // Nobody who only wants to start the app asks which plugin takes how long.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
};

/** Pages in which the acceptance suites of the ports run: `vite build --mode acceptance`. */
const acceptance: UserConfig = {
  plugins: [svelte({ configFile: false })],
  root: 'test/browser/pages',
  build: {
    outDir: '../../../dist/acceptance',
    emptyOutDir: true,
    sourcemap: true,
    rolldownOptions: {
      input: ['index', 'guest'].map((page) => `test/browser/pages/${page}.html`),
      checks: { pluginTimings: false },
    },
  },
};

/** `tabkeeper/client` for pages: `vite build --mode client`. */
const client: UserConfig = {
  publicDir: false,
  build: {
    outDir: 'dist/browser',
    emptyOutDir: true,
    sourcemap: true,
    minify: false,
    lib: { entry: source('browser/client.ts'), formats: ['es'], fileName: 'client' },
    rolldownOptions: { checks: { pluginTimings: false } },
  },
};

const products: Readonly<Record<string, UserConfig>> = { acceptance, client };

export default defineConfig(({ mode }) => ({
  base: './',
  resolve: { alias: SIMPLE_PEER_NEEDS },
  worker: { format: 'es' },
  // Known from the start, so that the first page under `npm run dev` need not load twice.
  optimizeDeps: { entries: ['index.html', 'src/browser/worker.ts'] },
  server: { watch: { ignored: ['**/dist/**', '**/test-results/**'] } },
  ...(products[mode] ?? app),
}));
