/** What the suites beside Apache ZooKeeper have shown, as the table of docs/fidelity.md. Pure. */

export interface SuiteOutcome {
  /** Of the file, below `test/interop`. */
  readonly file: string;
  readonly passedCount: number;
  readonly failed: readonly string[];
  readonly skippedCount: number;
  /** Of those that passed: whose first attempt failed, as where a real server starves. */
  readonly secondAttemptCount: number;
}

export interface ConformanceRun {
  /** Words, as `26 November 2026`. */
  readonly day: string;
  /** With what it was judged, as `Apache ZooKeeper 3.8.0`. */
  readonly judge: string;
  readonly suites: readonly SuiteOutcome[];
  /** Random conversations that were compared, with those that were played twice. */
  readonly conversationCount: number;
}

/** What each suite compares, by its file. */
export const COMPARED: ReadonlyMap<string, string> = new Map([
  [
    'catchUp.test.ts',
    'followers of one kind behind leaders of the other: DIFF from memory and from the log, SNAP, TRUNC',
  ],
  ['clientPort.test.ts', 'which connection of one address is one too many'],
  [
    'clients/clients.test.ts',
    'what kazoo, node-zookeeper-client, zkCli.sh and the C client print of three servers of each kind',
  ],
  ['clients/console.test.ts', 'what the page’s console and zkCli.sh print of the same commands'],
  [
    'dataDirectories.test.ts',
    'data directories that one kind wrote, opened and gone on with by the other, and back',
  ],
  [
    'differential/differential.test.ts',
    'answers, stats, errors, watch events and closed connections of random conversations',
  ],
  ['directoryZip.test.ts', 'the zip of a tab’s directory in Apache ZooKeeper, and the other way'],
  ['exitCodes.test.ts', 'exit codes of servers that cannot start'],
  [
    'hostile/hostile.test.ts',
    'that bytes no client or server sends, at all three ports, harm nobody else',
  ],
  [
    'leaders.test.ts',
    'mixed ensembles: leaders killed under load, who is elected, observers of the other kind',
  ],
  ['rollingSwap.test.ts', 'an ensemble whose servers change their kind one by one, under load'],
  [
    'sessions.test.ts',
    'sessions that move from one kind to the other, and those that expire under it',
  ],
  ['startOrders.test.ts', 'mixed ensembles, started in every order'],
  ['truncatedLogs.test.ts', 'the tree in logs that end too early, opened by both kinds'],
]);

const DIFFERENTIAL = 'differential/differential.test.ts';
const BEGIN = '<!-- `npm run conformance` writes what is from here -->';
const END = '<!-- to here -->';

/** A run in which something failed is recorded as it was, by the names of what failed. */
export function conformanceText(run: ConformanceRun): string {
  const { day, judge, suites, conversationCount } = run;
  const rows = [...suites]
    .sort((left, right) => (left.file < right.file ? -1 : 1))
    .map((suite) => [
      `\`${suite.file}\``,
      COMPARED.get(suite.file) ?? '',
      suite.file === DIFFERENTIAL
        ? `${caseCount(suite)}, with ${conversationCount} conversations`
        : String(caseCount(suite)),
      outcomeOf(suite),
    ]);
  const allCount = suites.reduce((sum, suite) => sum + caseCount(suite), 0);
  const failed = suites.flatMap((suite) => suite.failed);
  return [
    `Last run on ${day} beside ${judge}: ${suites.length} suites, ${allCount} cases, ${
      failed.length === 0 ? 'none failed' : `${failed.length} failed`
    }.`,
    '',
    ...tableLines([['suite', 'what is compared', 'cases', 'result'], ...rows]),
    ...(failed.length === 0 ? [] : ['', ...failed.map((title) => `- Failed: ${title}`)]),
  ].join('\n');
}

/** The page with this text where such a text stood before. */
export function withConformance(page: string, text: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`no place for it: ${BEGIN} … ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${text}\n\n${page.slice(to)}`;
}

const caseCount = ({ passedCount, failed, skippedCount }: SuiteOutcome): number =>
  passedCount + failed.length + skippedCount;

function outcomeOf({ failed, skippedCount, secondAttemptCount }: SuiteOutcome): string {
  return [
    failed.length > 0 ? `${failed.length} failed` : 'passed',
    ...(secondAttemptCount > 0 ? [`${secondAttemptCount} at the second attempt`] : []),
    ...(skippedCount > 0 ? [`${skippedCount} left out`] : []),
  ].join(', ');
}

/** As prettier sets tables. */
function tableLines(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)];
}
