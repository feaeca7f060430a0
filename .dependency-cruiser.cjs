/** Imports point one way: a folder may import only from the folders above it in this list. */
const house = [
  'base',
  'wire',
  'tree',
  'ports',
  'config',
  'storage',
  'election',
  'server',
  'quorum',
  'narration',
  'inspector',
  'client',
  'room',
  'browser',
  'node',
  'sim',
  'testing',
  'playwright',
  'ui',
];
const worlds = ['browser', 'node', 'sim'];
/** `ui` sees the client, the room and what the page offers; of the core only the pure parts and the probe's types. */
const uiMaySee = [
  'base',
  'wire',
  'tree',
  'ports',
  'narration',
  'inspector',
  'client',
  'room',
  'browser',
  'ui',
];

const downwards = house
  .filter((folder) => folder !== 'ui')
  .map((folder) => {
    const below = house.slice(house.indexOf(folder) + 1);
    const forbidden = worlds.includes(folder)
      ? [...new Set([...below, ...worlds.filter((world) => world !== folder)])]
      : below;
    return {
      name: `${folder}-imports-only-from-above`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: `^src/(${forbidden.join('|')})/` },
    };
  });

module.exports = {
  forbidden: [
    ...downwards,
    {
      name: 'ui-sees-client-probe-and-admin',
      severity: 'error',
      from: { path: '^src/ui/' },
      to: { path: '^src/', pathNot: `^src/(${uiMaySee.join('|')})/` },
    },
    {
      name: 'the-test-kits-live-in-node',
      severity: 'error',
      from: { path: '^src/(testing|playwright)/' },
      to: {
        path: '^src/(browser|sim)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'the-two-test-kits-are-apart',
      severity: 'error',
      from: { path: '^src/playwright/' },
      to: { path: '^src/testing/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'core-knows-no-package-but-pure-hashes',
      severity: 'error',
      from: { path: '^src/(base|wire|tree|ports|config|storage|election|server|quorum)/' },
      to: { path: 'node_modules', pathNot: 'node_modules/@noble/hashes' },
    },
    {
      name: 'simple-peer-behind-one-file',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/browser/simplePeer[A-Za-z]*\\.ts$' },
      to: { path: 'node_modules/simple-peer' },
    },
    {
      name: 'shipped-code-does-not-import-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.svelte', '.js', '.json'] },
  },
};
