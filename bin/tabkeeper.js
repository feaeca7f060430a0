#!/usr/bin/env node
/** The command `tabkeeper`. A clone has to be built once before. */
import { existsSync } from 'node:fs';

const program = new URL('../dist/node/tabkeeper.js', import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  console.error('Tabkeeper is not built yet: run npm install && npm run build, then try again.');
  process.exitCode = 1;
}
