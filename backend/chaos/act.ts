import { setTimeout as delay } from 'node:timers/promises';
import { gather, type Verdict } from './evidence.js';
import { inflict, type Injury } from './injury.js';
import { judge } from './oracle.js';
import type { Random } from './random.js';
import { seeded } from './random.js';
import type { Stage } from './stage.js';
import { startWorkload, type Workload, type WorkloadOptions } from './workload.js';

export interface Act {
  stage: Stage;
  seed: number;
  tag: string;
  workload: Partial<WorkloadOptions> & { messages: number };
  /** Inflicts what goes wrong while the clients work, through `hurt`. */
  trouble(scene: Scene): Promise<void>;
  /** Milliseconds until everything has to have ended, once all is well. */
  patienceMs?: number;
}

export interface Scene {
  random: Random;
  workload: Workload;
  hurt(injury: Injury): Promise<void>;
}

/** What a client sees when a fault is under way: 503, and to try again. */
const ALWAYS = [202, 503];

/** Clients at work, something going wrong meanwhile, and then the oracle. The trouble ends the work, where it has no end of its own. */
export async function play(act: Act): Promise<Verdict & { injuries: number }> {
  const { stage, tag } = act;
  const random = seeded(act.seed);
  const workload = startWorkload({
    url: stage.url,
    phones: stage.phones,
    random: seeded(random.below(2 ** 31)),
    tag,
    ...act.workload,
  });
  const mayAnswer = new Set(ALWAYS);
  let doubtBound = 0;
  let count = 0;
  const hurt = async (injury: Injury) => {
    count += 1;
    for (const status of injury.mayAnswer ?? []) mayAnswer.add(status);
    doubtBound += await inflict(injury, stage, random);
  };
  try {
    await act.trouble({ random, workload, hurt });
    await workload.done;
  } finally {
    // Also when the trouble itself went wrong: nobody stays at work for ever.
    await workload.stop();
  }
  const { database, nodes } = stage;
  const from = { database, nodes, ledgerAt: nodes.nodes[0]!.url };
  const seen = await gather(from, tag, act.patienceMs ?? 240_000);
  const verdict = judge({ asked: workload.asked, ...seen, doubtBound, mayAnswer: [...mayAnswer] });
  return { ...verdict, injuries: count };
}

/** Resolves when about `share` of the run's messages were accepted: the middle of the work, wherever that is in time. */
export async function progress(workload: Workload, count: number): Promise<void> {
  const deadline = Date.now() + 240_000;
  while (workload.accepted() < count && Date.now() < deadline) await delay(5);
}
