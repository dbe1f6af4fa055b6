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
  /** Stops everything, tier by tier. Nothing is started again from the moment this is called. */
  stop(): Promise<void>;
  /** Ends everything at once, the hard way. */
  kill(): Promise<void>;
}

export interface SupervisorOptions {
  /** Milliseconds before a dead service is started again; 0 = never. */
  respawnAfterMs: number;
  say(line: string): void;
  note(name: string, pid: number): void;
}

interface Kept {
  service: Service;
  /** Settles when it is ready or has failed. */
  started: Promise<unknown>;
  running?: Running;
}

export function supervisor({ respawnAfterMs, say, note }: SupervisorOptions): Supervisor {
  const all = new Map<string, Kept>();
  let stopping = false;

  function start(service: Service): Promise<Running> {
    if (stopping)
      return Promise.reject(new Error(`${service.name} is not started: everything is being stopped`));
    const kept: Kept = { service, started: Promise.resolve() };
    const spawned = (running: Running) => {
      kept.running = running;
      note(service.name, running.pid);
    };
    const ready = service.start(spawned).then((running) => {
      spawned(running);
      void running.exited.then((how) => revive(service, how));
      return running;
    });
    kept.started = ready.catch(() => undefined);
    all.set(service.name, kept);
    return ready;
  }

  async function revive(service: Service, how: string): Promise<void> {
    if (stopping) return;
    const plan =
      respawnAfterMs > 0
        ? `starting it again in ${respawnAfterMs / 1000} s`
        : 'it stays down (RESPAWN_AFTER=0)';
    say(`${service.name} ended (${how}); ${plan}`);
    if (respawnAfterMs === 0) return;
    await delay(respawnAfterMs);
    if (stopping) return;
    try {
      const { pid } = await start(service);
      say(`${service.name} runs again (process ${pid})`);
    } catch (error) {
      await revive(service, (error as Error).message);
    }
  }

  async function endOne(kept: Kept, end: (running: Running) => Promise<void>): Promise<void> {
    if (kept.running) await end(kept.running);
    // One that has no process yet is about to have one.
    await kept.started;
    if (kept.running) await end(kept.running);
  }

  const each = (tier: number, end: (running: Running) => Promise<void>) =>
    Promise.all(
      [...all.values()].filter(({ service }) => service.tier === tier).map((kept) => endOne(kept, end)),
    );

  async function endAll(end: (running: Running) => Promise<void>): Promise<void> {
    stopping = true;
    const tiers = new Set([...all.values()].map(({ service }) => service.tier));
    for (const tier of [...tiers].sort((a, b) => a - b)) await each(tier, end);
  }

  return {
    add: start,
    stop: () => endAll((running) => running.stop()),
    kill: () => endAll((running) => running.kill()),
  };
}
