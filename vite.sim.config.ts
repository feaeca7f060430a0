import { defineConfig } from 'vite';

/** The simulator as a library for `npm run sim`. */
export default defineConfig({
  publicDir: false,
  build: {
    ssr: 'src/sim/run/index.ts',
    outDir: 'dist/sim',
    emptyOutDir: true,
    target: 'node20',
    sourcemap: true,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
