/**
 * `npm test`: types, format, lint, import rules, dead code, unit tests, components, build, size, the packed package, tests beside
 * real ZooKeeper servers, browser tests; then one plain line with the sum. With CI=true a suite or test that is skipped counts as a failure.
 *
 * `npm test -- unit browser` runs only the named steps.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDependencies } from './dependencies.mjs';
import { missingPackages } from './realZooKeeper.mjs';

const RESULTS = 'test-results';
const strict = process.env.CI === 'true';
const total = { passed: 0, failed: 0, skipped: 0 };
/** What went wrong, said again at the end, where the end of a long output is all that is kept. */
const failures = [];

const npx = (...args) =>
  spawnSync('npx', ['--no-install', ...args], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });

const count = (passed, failed, skipped = 0) => {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
};

/** A step that is right or wrong as a whole counts as one test. */
const check =
  (...command) =>
  () => {
    const ok = npx(...command).status === 0;
    count(ok ? 1 : 0, ok ? 0 : 1);
  };

/** A runner that writes its own figures; no report, or one with no test in it, is a failure. */
const suite =
  (report, read, ...command) =>
  () => {
    const file = join(RESULTS, report);
    rmSync(file, { force: true });
    const { status } = npx(...command);
    if (!existsSync(file)) return count(0, 1);
    const { passed, failed, skipped, named } = read(JSON.parse(readFileSync(file, 'utf8')));
    failures.push(...named);
    const silentFailure = passed + failed === 0 || (status !== 0 && failed === 0);
    count(passed, failed + (silentFailure ? 1 : 0), skipped);
  };

const readVitest = (report) => ({
  passed: report.numPassedTests,
  failed:
    report.numFailedTests +
    report.testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.length === 0,
    ).length,
  skipped: report.numPendingTests + report.numTodoTests,
  named: report.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status === 'failed')
      .map((test) => `${test.fullName}: ${firstLines(test.failureMessages[0])}`),
  ),
});

const specsOf = (suite) => [...(suite.specs ?? []), ...(suite.suites ?? []).flatMap(specsOf)];

const readPlaywright = ({ stats, errors, suites }) => ({
  passed: stats.expected + stats.flaky,
  failed: stats.unexpected + errors.length,
  skipped: stats.skipped,
  named: suites
    .flatMap(specsOf)
    .filter((spec) => !spec.ok)
    .map((spec) => `${spec.title}: ${firstLines(spec.tests[0]?.results[0]?.error?.message)}`),
});

const firstLines = (message = '') => message.split('\n').slice(0, 6).join('\n');

/** A stranger's use of the packed package: prints what it does, and on failure what went wrong. */
const packageStep = () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/checkPackage.mjs'], {
    stdio: ['inherit', 'inherit', 'pipe'],
    encoding: 'utf8',
  });
  process.stderr.write(stderr);
  if (status !== 0) failures.push(stderr);
  count(status === 0 ? 1 : 0, status === 0 ? 0 : 1);
};

/** Left out where the real ZooKeeper is not installed, unless TABKEEPER_INTEROP=required. */
const whereZooKeeperIs = (step) => () => {
  const missing = missingPackages();
  if (missing.length === 0) return step();
  console.log(
    `Left out: the real ZooKeeper is not here to be judged by (missing: ${missing.join(', ')}).`,
  );
  if (process.env.TABKEEPER_INTEROP === 'required') count(0, 1);
};

const vitest = (report, ...args) => [
  'vitest',
  'run',
  ...args,
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${RESULTS}/${report}`,
];

const steps = {
  types: check('tsc', '--noEmit', '-p', 'tsconfig.json'),
  core: check('tsc', '--noEmit', '-p', 'tsconfig.core.json'),
  svelte: check('svelte-check', '--tsconfig', './tsconfig.json', '--fail-on-warnings'),
  format: check('prettier', '--check', '--log-level', 'warn', '.'),
  lint: check('eslint', '.', '--max-warnings', '0'),
  imports: check('depcruise', 'src'),
  dead: check('knip'),
  unit: suite('unit.json', readVitest, ...vitest('unit.json')),
  components: suite(
    'components.json',
    readVitest,
    ...vitest('components.json', '--config', 'test/components/vitest.config.ts'),
  ),
  build: check('vite', 'build'),
  buildClient: check('vite', 'build', '--mode', 'client'),
  buildNode: check('vite', 'build', '--config', 'vite.node.config.ts'),
  size: check('size-limit'),
  package: packageStep,
  interop: whereZooKeeperIs(
    suite(
      'interop.json',
      readVitest,
      ...vitest('interop.json', '--config', 'test/interop/vitest.config.ts'),
    ),
  ),
  browser: suite('browser.json', readPlaywright, 'playwright', 'test'),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in steps));
if (unknown.length > 0) {
  console.error(
    `No such step: ${unknown.join(', ')}. The steps are: ${Object.keys(steps).join(', ')}.`,
  );
  process.exit(2);
}

ensureDependencies();
const { ensureChromium } = await import('./chromium.mjs');
const inChromium = ['components', 'package', 'browser'];
if (wanted.length === 0 || wanted.some((name) => inChromium.includes(name)))
  process.env.CHROMIUM_PATH = await ensureChromium();
mkdirSync(RESULTS, { recursive: true });

const failedSteps = [];
for (const [name, step] of Object.entries(steps)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const started = performance.now();
  const failedBefore = total.failed;
  console.log(`\n== ${name}`);
  step();
  if (total.failed > failedBefore) failedSteps.push(name);
  console.log(`== ${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

if (strict && total.skipped > 0) {
  console.error(`\n${total.skipped} tests were skipped, which is not allowed where CI=true.`);
  count(0, total.skipped, -total.skipped);
}
for (const failure of failures) console.error(`\nFailed: ${failure}`);
if (failedSteps.length > 0) console.error(`\nFailed steps: ${failedSteps.join(', ')}`);
console.log(
  `\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
process.exit(total.failed > 0 ? 1 : 0);
