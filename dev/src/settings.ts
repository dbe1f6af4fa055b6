import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'dotenv';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What the user said, by the variable's name; empty values count as not said. */
export type Given = Readonly<Record<string, string | undefined>>;

export interface Settings {
  /** Where clusters, secrets, logs and the launcher's own notes live. */
  dataDir: string;
  httpHost: string;
  httpPort: number;
  port: number;
  internalPort: number;
  sandboxPort: number;
  sandboxNodes: number;
  /** Seconds before a dead child is started again; 0 = never. */
  respawnAfter: number;
  given: Given;
  /** Names that come from a `.env` file rather than from the environment itself. */
  fromFile: ReadonlySet<string>;
}

/** A mistake of the user, said in one line without a stack. */
export class UserError extends Error {}

const said = (source: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(source).filter((pair): pair is [string, string] => Boolean(pair[1]?.trim())),
  );

/** `.env`, and over it `backend/.env`: the same files, in the same order, that the backend itself would read. */
const readFiles = (folder: string): Record<string, string> =>
  Object.assign(
    {},
    ...[join(folder, '.env'), join(folder, 'backend', '.env')]
      .filter((path) => existsSync(path))
      .map((path) => said(parse(readFileSync(path)))),
  ) as Record<string, string>;

function number(given: Given, name: string, range: { fallback: number; max: number }): number {
  const text = given[name] ?? String(range.fallback);
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= range.max) return value;
  throw new UserError(`${name} must be a whole number from 0 to ${range.max}, not "${text}"`);
}

/** Outside the checkout, which may be closed to the unprivileged user that PostgreSQL runs as. */
function defaultDataDir(given: Given): string {
  if (process.getuid?.() !== 0)
    return join(given['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'evolution-gateway');
  try {
    mkdirSync('/var/lib/evolution-gateway', { recursive: true });
    return '/var/lib/evolution-gateway';
  } catch {
    return join(tmpdir(), 'evolution-gateway');
  }
}

/**
 * Reads the environment, and beneath it the `.env` file of the checkout.
 * @throws UserError naming the variable that cannot be used
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env, folder = root): Settings {
  const file = readFiles(folder);
  const own = said(env);
  const given: Given = { ...file, ...own };
  const port = (name: string, fallback: number) => number(given, name, { fallback, max: 65_535 });
  return {
    dataDir: resolve(given['DATA_DIR'] ?? defaultDataDir(given)),
    httpHost: given['HTTP_HOST'] ?? 'localhost',
    httpPort: port('HTTP_PORT', 8080),
    port: port('PORT', 8090),
    internalPort: port('INTERNAL_PORT', 8070),
    sandboxPort: port('SANDBOX_PORT', 8081),
    sandboxNodes: number(given, 'SANDBOX_NODES', { fallback: 2, max: 50 }),
    respawnAfter: number(given, 'RESPAWN_AFTER', { fallback: 5, max: 86_400 }),
    given,
    fromFile: new Set(Object.keys(file).filter((name) => !Object.hasOwn(own, name))),
  };
}
