import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSecret } from './folders.js';
import { describe, endProcess, isAlive, isOurs } from './process.js';
import { UserError } from './settings.js';
import { delay } from './wait.js';

/** The launcher's claim on a data folder, and its list of what it runs there. */
export interface Lock {
  /** Notes a child (null: it is gone), so that the next start finds it should this launcher be killed. */
  note(name: string, pid: number | null): void;
  /** Leaves what the gateway runs with to those who work beside it: see `beside`. */
  share(environment: Record<string, string>): void;
  /** Says that the end has begun: a new start may wait for it. */
  stopping(): void;
  release(): void;
}

interface Claim {
  pid: number;
  stopping?: boolean;
}

function readJson<T>(file: string): T | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return null;
  }
}

const isLauncher = (claim: Claim): boolean =>
  claim.pid !== process.pid && isAlive(claim.pid) && describe(claim.pid).includes('start.mjs');

const FILES = { claim: 'launcher.json', list: 'children.json', shared: 'gateway.json' };

/** What the gateway of the launcher over this folder runs with: null without a launcher, {} until its database is there. */
export function beside(dataDir: string): Record<string, string> | null {
  const claim = readJson<Claim>(join(dataDir, FILES.claim));
  return claim !== null && isLauncher(claim) ? (readJson(join(dataDir, FILES.shared)) ?? {}) : null;
}

/** A launcher that is just ending is waited for; one that lost its npm needs a moment to notice. */
async function waitForOther(file: string): Promise<void> {
  const patience = { undecided: Date.now() + 1500, stopping: Date.now() + 40_000 };
  for (;;) {
    const claim = readJson<Claim>(file);
    if (claim === null || !isLauncher(claim)) return;
    if (Date.now() > (claim.stopping ? patience.stopping : patience.undecided))
      throw new UserError(
        `already running (process ${claim.pid}) with this DATA_DIR; for a second one set DATA_DIR and the ports to others`,
      );
    await delay(100);
  }
}

/** Ends what a killed launcher left running, databases last. Each is looked at first: pids are used again. */
async function endOrphans(dataDir: string, file: string): Promise<string[]> {
  const children = Object.entries(readJson<Record<string, number>>(file) ?? {});
  const orphans = children.filter(([, pid]) => isOurs(pid, dataDir)).reverse();
  for (const [name, pid] of orphans)
    await endProcess(pid, name === 'PostgreSQL' ? 'SIGINT' : 'SIGTERM', 5000);
  rmSync(file, { force: true });
  return orphans.map(([name]) => name);
}

function claimFile(file: string): void {
  try {
    writeFileSync(file, JSON.stringify({ pid: process.pid }), { flag: 'wx' });
  } catch {
    throw new UserError('another start with this DATA_DIR was quicker');
  }
}

/**
 * Claims a data folder, and ends what a killed launcher left there.
 * @throws UserError when a launcher runs there
 */
export async function takeLock(dataDir: string, say: (line: string) => void): Promise<Lock> {
  const file = join(dataDir, FILES.claim);
  const list = join(dataDir, FILES.list);
  const shared = join(dataDir, FILES.shared);
  await waitForOther(file);
  // What a killed launcher shared may be of another port: before the claim, that nobody takes it for ours.
  for (const path of [shared, file]) rmSync(path, { force: true });
  claimFile(file);
  const orphans = await endOrphans(dataDir, list);
  if (orphans.length > 0) say(`stopped what an earlier start left running: ${orphans.join(', ')}`);
  const children: Record<string, number> = {};
  return {
    note: (name, pid) => {
      if (pid === null) delete children[name];
      else children[name] = pid;
      writeFileSync(list, JSON.stringify(children));
    },
    share: (environment) => writeSecret(shared, JSON.stringify(environment)),
    stopping: () => writeFileSync(file, JSON.stringify({ pid: process.pid, stopping: true })),
    release: () => {
      for (const path of [shared, file, list]) if (existsSync(path)) rmSync(path);
    },
  };
}
