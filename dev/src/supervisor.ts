import type { Running } from './process.js';
import { delay } from './wait.js';

/** Something to keep running. */
export interface Service {
  name: string;
  /** Order of stopping: 0 first (what takes work in), databases last. */
  tier: number;
  /**
   * Resolves when it is ready; called again after a death. `spawned` is to be told as soon as there is a process, so
   * that it can be ended, and found after a kill of ours, before it is ready.
   */
  start(spawned: (running: Running) => void): Promise<Running>;
}

export interface Supervisor {
  /** Starts a service and keeps it running from then on. Rejects when the first start fails. */
  add(service: Service): Promise<Running>;
  /** Runs something that ends by itself; it is ended too when everything is stopped meanwhile. */
  once(name: string, work: (spawned: (running: Running) => void) => Promise<void>): Promise<void>;
  /** Stops everything, tier by tier. Nothing is started again from the moment this is called. */
  stop(): Promise<void>;
  /** Ends everything at once, the hard way. */
  kill(): Promise<void>;
}

export interface SupervisorOptions {
  /** Milliseconds before a dead service is started again; 0 = never. */
  respawnAfterMs: number;
  say(line: string): void;
  /** Is told which process runs under a name; null when it ended by itself as it should. */
  note(name: string, pid: number | null): void;
}

interface Kept {
  tier: number;
  /** Settles when it is ready or has failed. */
  started: Promise<unknown>;
  running?: Running;
}

/** Ends one service, also one that is just starting. */
async function endOne(kept: Kept, end: (running: Running) => Promise<void>): Promise<void> {
  if (kept.running) await end(kept.running);
  // One that has no process yet is about to have one.
  await kept.started;
  if (kept.running) await end(kept.running);
}

async function endInOrder(all: Kept[], end: (running: Running) => Promise<void>): Promise<void> {
  const tiers = [...new Set(all.map(({ tier }) => tier))].sort((a, b) => a - b);
  for (const tier of tiers)
    await Promise.all(all.filter((kept) => kept.tier === tier).map((kept) => endOne(kept, end)));
}

/** Where there is something to keep: what is kept, by name, and whether it is being ended. */
interface Keeping {
  all: Map<string, Kept>;
  stopping: boolean;
  note: SupervisorOptions['note'];
}

function keep<T>(
  keeping: Keeping,
  { name, tier }: Pick<Service, 'name' | 'tier'>,
  work: (spawned: (running: Running) => void) => Promise<T>,
): Promise<T> {
  if (keeping.stopping)
    return Promise.reject(new Error(`${name} is not started: everything is being stopped`));
  const kept: Kept = { tier, started: Promise.resolve() };
  const done = work((running) => {
    kept.running = running;
    keeping.note(name, running.pid);
  });
  kept.started = done.catch(() => undefined);
  keeping.all.set(name, kept);
  return done;
}

const planAfter = (ms: number): string =>
  ms > 0 ? `starting it again in ${ms / 1000} s` : 'it stays down (RESPAWN_AFTER=0)';

/** Keeps services running until it is told to stop. */
export function supervisor({ respawnAfterMs, say, note }: SupervisorOptions): Supervisor {
  const keeping: Keeping = { all: new Map(), stopping: false, note };

  const start = (service: Service): Promise<Running> =>
    keep(keeping, service, async (spawned) => {
      const running = await service.start(spawned);
      spawned(running);
      void running.exited.then((how) => revive(service, how));
      return running;
    });

  async function revive(service: Service, how: string): Promise<void> {
    if (keeping.stopping) return;
    say(`${service.name} ended (${how}); ${planAfter(respawnAfterMs)}`);
    if (respawnAfterMs === 0) return;
    await delay(respawnAfterMs);
    if (keeping.stopping) return;
    const again = start(service).then(({ pid }) => say(`${service.name} runs again (process ${pid})`));
    await again.catch((error: Error) => revive(service, error.message.split('\n')[0] ?? ''));
  }

  const endAll = (end: (running: Running) => Promise<void>): Promise<void> => {
    keeping.stopping = true;
    return endInOrder([...keeping.all.values()], end);
  };
  return {
    add: start,
    once: (name, work) => keep(keeping, { name, tier: 0 }, work).finally(() => note(name, null)),
    stop: () => endAll((running) => running.stop()),
    kill: () => endAll((running) => running.kill()),
  };
}
