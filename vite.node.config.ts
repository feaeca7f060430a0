import { defineConfig } from 'vite';

/** What runs in Node: the program (room server, or one server of an ensemble) and what others import of the package. */
export default defineConfig({
  publicDir: false,
  // A package read from its own files costs a server 20 ms at its start.
  ssr: { noExternal: [/^@noble\//] },
  build: {
    ssr: true,
    outDir: 'dist/node',
    emptyOutDir: true,
    target: 'node20',
    sourcemap: true,
    rolldownOptions: {
      input: {
        tabkeeper: 'src/node/tabkeeper.ts',
        client: 'src/node/client.ts',
        testing: 'src/testing/ensemble.ts',
        playwright: 'src/playwright/fixtures.ts',
      },
      checks: { pluginTimings: false },
    },
  },
});
