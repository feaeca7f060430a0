/**
 * `npm run bench:testing`: how long the ensembles of `tabkeeper/testing` take to serve, and to serve again without
 * their leader. Prints medians; judges none.
 */
import { loadavg } from 'node:os';
import { connect } from '../dist/node/client.js';
import { Ensemble } from '../dist/node/testing.js';
import { printTable, spread } from './table.mjs';

const ROUNDS_COUNT = 15;

async function timed(work) {
  const begin = performance.now();
  const value = await work();
  return [performance.now() - begin, value];
}

async function round(servers) {
  const [startMs, ensemble] = await timed(() => Ensemble.start({ servers }));
  const [connectMs, client] = await timed(() => connect(ensemble.connectString));
  await client.create('/a', 'text');
  const [failOverMs] = await timed(async () => {
    if (servers === 1) return;
    await ensemble.kill(await ensemble.leader());
    await ensemble.waitForServing();
  });
  await client.close();
  await ensemble.close();
  return { startMs, connectMs, failOverMs };
}

console.log(`load ${loadavg()[0].toFixed(1)}; ms, median (least-greatest) of ${ROUNDS_COUNT}`);
const rows = [];
for (const servers of [1, 3, 5]) {
  const rounds = [];
  for (let number = 0; number < ROUNDS_COUNT; number++) rounds.push(await round(servers));
  const column = (key) => spread(rounds.map((one) => one[key]));
  const failOver = servers === 1 ? '' : column('failOverMs');
  rows.push([servers, column('startMs'), column('connectMs'), failOver]);
}
printTable(
  ['servers', 'start to all serving', 'session open', 'leader killed to all serving'],
  rows,
);
