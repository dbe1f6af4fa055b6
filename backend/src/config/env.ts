import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'dotenv';
import type { ObjectSchema } from 'joi';
import { databaseSettings, settings, type DatabaseSettings, type Settings } from './settings.js';

export type { Settings } from './settings.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

const SAMPLE_SECRETS = [
  'random_jwt_secret_string_123',
  'MySecureEvolutionKey2024!',
  'Bismillah313!',
  'changeme',
  'secret',
  'password',
];

/** Every setting that is wrong, at once. The entry prints it and exits 1. */
export class ConfigurationError extends Error {}

type Source = Readonly<Record<string, string | undefined>>;

/** An empty line of a copied .env.example says nothing. */
const said = (source: Source): Source =>
  Object.fromEntries(Object.entries(source).filter(([, value]) => value?.trim()));

function check<T>(schema: ObjectSchema<T>, source: Source, files: readonly string[]): T {
  const { value, error } = schema.validate(said(source), { abortEarly: false, stripUnknown: true });
  const read = value as Partial<Settings>;
  const faults = error ? error.details.map((d) => d.message) : [...weakSecrets(read), ...halfAdmin(read)];
  if (faults.length === 0) return value as T;
  const where = ['the environment', ...files].join(', ');
  throw new ConfigurationError(`Configuration (${where}): ${faults.join('; ')}`);
}

/**
 * Reads and checks the configuration from `source` (the process environment by default). Empty values count as not set.
 * @param files what loadEnvFiles read, for the message
 * @throws ConfigurationError, naming every bad variable at once
 */
export const readEnv = (source: Source = process.env, files: readonly string[] = []): Settings =>
  check(settings, source, files);

/** The same for DB_* alone, which is all that migrations need. */
export const readDatabaseEnv = (
  source: Source = process.env,
  files: readonly string[] = [],
): DatabaseSettings => check(databaseSettings, source, files);

/**
 * Adds the lines of `backend/.env`, then those of `.env` at the root, to `target`; what has a value there already stays.
 * Entries call it; tests do not. Returns the files that were there.
 */
export function loadEnvFiles(target: NodeJS.ProcessEnv = process.env, root = ROOT): string[] {
  const files = [join('backend', '.env'), '.env']
    .map((name) => join(root, name))
    .filter((f) => existsSync(f));
  for (const file of files)
    for (const [name, value] of Object.entries(parse(readFileSync(file)))) target[name] ||= value;
  return files;
}

/** Half of it would do nothing, and say nothing: whoever set it would look for their admin in vain. */
function halfAdmin({ ADMIN_EMAIL = '', ADMIN_PASSWORD = '' }: Partial<Settings>): string[] {
  if ((ADMIN_EMAIL === '') === (ADMIN_PASSWORD === '')) return [];
  const [missing, given] = ADMIN_EMAIL ? ['PASSWORD', 'EMAIL'] : ['EMAIL', 'PASSWORD'];
  return [`"ADMIN_${missing}" is required beside "ADMIN_${given}": the first admin is made of both`];
}

/** A production that runs on a sample secret is open to everyone who has read the documentation. */
function weakSecrets(env: Partial<Settings>): string[] {
  if (env.NODE_ENV !== 'production') return [];
  const isWeak = (name: string, secret: string | undefined) =>
    secret !== undefined &&
    (secret.length < (name === 'DB_PASSWORD' ? 12 : 32) || SAMPLE_SECRETS.includes(secret));
  return (['JWT_SECRET', 'EVOLUTION_API_KEY', 'DB_PASSWORD'] as const)
    .filter((name) => isWeak(name, env[name]))
    .map((name) => `"${name}" is missing, short or a sample; production needs a random secret of its own`);
}
