/** Vitest's reporter behind `npm run conformance`: writes how a whole run went into docs/fidelity.md, and nothing of a part of it. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { UserConsoleLog } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';
import {
  COMPARED,
  conformanceText,
  type SuiteOutcome,
  withConformance,
} from './conformanceTable.ts';

const PAGE = 'docs/fidelity.md';
const FOLDER = 'test/interop/';

export default class ConformanceReporter implements Reporter {
  #said = '';

  onUserConsoleLog({ content }: UserConsoleLog): void {
    this.#said += content;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const suites = modules.map(outcomeOf);
    const missing = [...COMPARED.keys()].filter((file) => !suites.some((s) => s.file === file));
    if (missing.length > 0) {
      console.log(`Not recorded, since it was not run: ${missing.join(', ')}`);
      return;
    }
    const counts = [...this.#said.matchAll(/^differential, \w+: (\d+) scripts$/gm)];
    const text = conformanceText({
      day: new Intl.DateTimeFormat('en-GB', { dateStyle: 'long' }).format(new Date()),
      judge: judge(),
      suites,
      conversationCount: counts.reduce((sum, [, count]) => sum + Number(count), 0),
    });
    writeFileSync(PAGE, withConformance(readFileSync(PAGE, 'utf8'), text));
    console.log(`Recorded in ${PAGE}.`);
  }
}

function outcomeOf(module: TestModule): SuiteOutcome {
  const tests = [...module.children.allTests()];
  const named = (state: string): string[] =>
    tests.filter((test) => test.result().state === state).map(({ fullName }) => fullName);
  const failed = named('failed');
  return {
    file: module.relativeModuleId.slice(FOLDER.length),
    passedCount: named('passed').length,
    // A file that cannot even be loaded has no test that could fail.
    failed: module.ok() || failed.length > 0 ? failed : [module.relativeModuleId],
    skippedCount: named('skipped').length,
    secondAttemptCount: tests.filter(
      (test) => test.ok() && (test.diagnostic()?.retryCount ?? 0) > 0,
    ).length,
  };
}

function judge(): string {
  const versionOf = (debian: string): string =>
    spawnSync('dpkg-query', ['--show', '--showformat=${Version}', debian], { encoding: 'utf8' })
      .stdout;
  const zookeeper = versionOf('zookeeper');
  const java = /"([\d.]+)"/.exec(spawnSync('java', ['-version'], { encoding: 'utf8' }).stderr)?.[1];
  return `Apache ZooKeeper ${zookeeper.split('-', 1)[0]} (Debian ${zookeeper}, OpenJDK ${java}; Node ${process.versions.node})`;
}
