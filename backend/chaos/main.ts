/**
 * `npm run chaos -- --seed 7 --minutes 2`: clients at work, faults one after the other as the seed says, and the oracle.
 * `--every redis-flushed:2,worker-killed:5` inflicts these at these intervals (seconds) instead, until all has been sent;
 * `--only a,b` chooses among the faults; `--messages`, `--phones`, `--users`, `--workers`, `--apis` say how much of each.
 * `--env NAME=value` (more than once) changes a setting of the gateway. Exit code 1 when an invariant does not hold.
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { temporaryFolder } from '../../dev/src/folders.js';
import { startPostgres, THROWAWAY } from '../../dev/src/postgres.js';
import { inFlight, startStage, type Stage } from './stage.js';
import { injury, possible } from './injuries.js';
import type { Injury } from './injury.js';
import { play, type Scene } from './act.js';
import { seeded } from './random.js';
import type { Verdict } from './evidence.js';

const { values: asked } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string', default: '1' },
    messages: { type: 'string' },
    phones: { type: 'string', default: '20' },
    users: { type: 'string', default: '5' },
    workers: { type: 'string', default: '2' },
    apis: { type: 'string', default: '2' },
    every: { type: 'string' },
    only: { type: 'string' },
    env: { type: 'string', multiple: true, default: [] },
    source: { type: 'boolean', default: false },
  },
});
const seed = Number(asked.seed);
const start = performance.now();
const clock = () => `${((performance.now() - start) / 1000).toFixed(1).padStart(7)} s`;
const say = (line: string) => console.log(`${clock()}  ${line}`);

interface Step {
  afterMs: number;
  injury: Injury;
}

/** The same seed gives the same faults after the same pauses. */
function schedule(stage: Stage, minutes: number): Step[] {
  const random = seeded(seed);
  const names = asked.only?.split(',');
  const choice = possible(stage).filter(({ name }) => names?.includes(name) ?? true);
  const steps: Step[] = [];
  // A fault takes some three seconds; how many there is time for is not known before.
  for (let ms = 0; ms < minutes * 60_000; ms += 1000)
    steps.push({ afterMs: 300 + random.below(2500), injury: random.pick(choice) });
  return steps;
}

async function inTurn(scene: Scene, stage: Stage): Promise<void> {
  const minutes = Number(asked.minutes);
  const end = performance.now() + minutes * 60_000;
  for (const step of schedule(stage, minutes)) {
    await delay(step.afterMs);
    if (performance.now() > end) break;
    say(`${step.injury.name} (${scene.workload.accepted()} accepted)`);
    await scene.hurt(step.injury);
  }
  await scene.workload.stop();
}

const waiting = async (stage: Stage): Promise<number> => {
  const [row] = await stage.database.queryAll<{ n: string }>(
    `select count(*) as n from messages where direction = 'out' and status in ('scheduled', 'queued', 'sending')`,
  );
  return Number(row!.n);
};

/** Each at its own interval, side by side, until everything that was asked for has been sent. */
async function atIntervals(scene: Scene, stage: Stage, rhythm: string): Promise<void> {
  let isOver = false;
  const inflicting = rhythm.split(',').map(async (part) => {
    const [name = '', seconds = ''] = part.split(':');
    for (let next = Date.now(); !isOver;) {
      next = Math.max(Date.now(), next + Number(seconds) * 1000);
      await delay(next - Date.now());
      if (!isOver) await scene.hurt(injury(name));
    }
  });
  const telling = (async () => {
    for (;;) {
      for (let i = 0; i < 10 && !isOver; i += 1) await delay(1000);
      if (isOver) return;
      const [left, sending] = [await waiting(stage), await inFlight(stage)];
      say(`${scene.workload.accepted()} accepted, ${left} wait, ${sending.length} are being sent`);
    }
  })();
  await scene.workload.done;
  say('all were accepted');
  while ((await waiting(stage)) > 0) await delay(500);
  say('all have ended');
  isOver = true;
  await Promise.all([...inflicting, telling]);
}

function tell(verdict: Verdict & { injuries: number }): void {
  const { counts, violations } = verdict;
  const list = (numbers: Record<string, number>) =>
    Object.entries(numbers)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, n]) => `${name} ${n}`)
      .join(', ');
  console.log(
    [
      '',
      `faults            ${verdict.injuries}`,
      `asked             ${counts.asked}`,
      `answered          ${list(counts.answered)}`,
      `accepted          ${counts.accepted}`,
      `stored            ${counts.stored}`,
      `ended             ${list(counts.statuses)}`,
      `arrived           ${counts.arrived}`,
      `ever in doubt     ${counts.everInDoubt}, of at most ${counts.doubtBound}`,
      `violations        ${violations.length}`,
      ...violations.slice(0, 50).map(({ rule, what }) => `  ${rule}: ${what}`),
      '',
      violations.length === 0
        ? 'nothing lost, nothing doubled, order kept, doubt within its bound'
        : `NOT HELD: ${[...new Set(violations.map(({ rule }) => rule))].join(', ')}`,
    ].join('\n'),
  );
}

async function main(): Promise<number> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  if (!asked.source) execFileSync('npm', ['run', '--silent', 'build', '-w', 'backend'], { cwd: root });
  console.log(`chaos ${process.argv.slice(2).join(' ')} (seed ${seed}; again: --seed ${seed})`);
  console.log(
    `node ${process.version}, ${cpus().length} cores, ${new Date().toISOString()}, load ${loadavg()[0]!.toFixed(1)}`,
  );
  const folder = temporaryFolder('chaos-nodes');
  const settings = { ...THROWAWAY, max_connections: '100' };
  const nodesPostgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings });
  process.env['TEST_DATABASE_URL'] = nodesPostgres.gateway.url.replace(/\/[^/]*$/, '/postgres');
  let stage: Stage | null = null;
  try {
    stage = await startStage({
      api: Number(asked.apis),
      workers: Number(asked.workers),
      phones: Number(asked.phones),
      users: Number(asked.users),
      ownPostgres: true,
      fsync: true,
      proxied: asked.every === undefined,
      program: asked.source ? 'source' : 'built',
      env: { SWEEP_MS: '1000', ...Object.fromEntries(asked.env.map((pair) => pair.split('=', 2))) },
    });
    const playing: Stage = stage;
    say(`${playing.phones.length} phones of ${asked.users} users are connected`);
    const { every } = asked;
    const verdict = await play({
      stage: playing,
      seed,
      tag: `chaos${seed}`,
      workload: {
        messages: Number(asked.messages ?? (every ? 1000 : Infinity)),
        ...(every ? {} : { pauseMs: 100 }),
      },
      trouble: (scene) => (every ? atIntervals(scene, playing, every) : inTurn(scene, playing)),
      patienceMs: 400_000,
    });
    tell(verdict);
    return verdict.violations.length === 0 ? 0 : 1;
  } finally {
    await stage?.stop();
    await nodesPostgres.stop();
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    say(`ended by ${signal}`);
    process.exit(1);
  });
process.exitCode = await main();
process.exit();
