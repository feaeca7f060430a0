import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import typescript from 'typescript-eslint';

const strict = {
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-non-null-assertion': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    { considerDefaultExhaustiveForUnions: true },
  ],
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/consistent-type-imports': 'error',
  '@typescript-eslint/no-unnecessary-type-assertion': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'all' }],
  'no-empty': ['error', { allowEmptyCatch: false }],
  eqeqeq: 'error',
  'no-console': 'error',
  'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'] }],
};

/** Law 2: the core runs to completion and knows only ports. */
const runToCompletion = {
  'no-restricted-globals': [
    'error',
    ...[
      'Date',
      'Promise',
      'setTimeout',
      'setInterval',
      'queueMicrotask',
      'performance',
      'crypto',
      'console',
      'fetch',
    ].map((name) => ({ name, message: 'The core runs to completion and knows only the ports.' })),
  ],
  'no-restricted-syntax': [
    'error',
    {
      selector: ':function[async=true]',
      message: 'No async in the core: effects go out through the ports.',
    },
    {
      selector: 'AwaitExpression',
      message: 'No await in the core: completions come in as events.',
    },
    {
      selector: "MemberExpression[object.name='Math'][property.name='random']",
      message: 'Chance comes from the Random port.',
    },
  ],
};

export default typescript.config(
  {
    ignores: ['dist/', 'node_modules/', 'test-results/', 'playwright-report/', 'coverage/'],
  },
  ...svelte.configs['flat/recommended'],
  {
    files: ['**/*.ts', '**/*.svelte'],
    plugins: { '@typescript-eslint': typescript.plugin },
    languageOptions: {
      parserOptions: { projectService: true, extraFileExtensions: ['.svelte'] },
      globals: { ...globals.browser, ...globals.node },
    },
    rules: strict,
  },
  { files: ['**/*.ts'], languageOptions: { parser: typescript.parser } },
  {
    // The parser itself is eslint-plugin-svelte's; it asks this one about the scripts.
    files: ['**/*.svelte'],
    languageOptions: { parserOptions: { parser: typescript.parser } },
  },
  {
    files: ['src/{base,wire,tree,ports,config,storage,election,server,quorum}/**/*.ts'],
    rules: runToCompletion,
  },
  {
    files: ['src/node/**/*.ts', 'scripts/**', 'bin/**', 'bench/**/*.ts', 'test/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
);
