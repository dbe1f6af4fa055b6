import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { config as readFile } from 'dotenv';
import { settings, type Settings } from './settings.js';

export type { Settings } from './settings.js';

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

/**
 * Reads and checks the configuration from `source` (the process environment by default).
 * Throws ConfigurationError, naming every bad variable at once.
 */
export function readEnv(source: NodeJS.ProcessEnv = process.env): Settings {
  const { value, error } = settings.validate(source, {
    abortEarly: false,
    stripUnknown: true,
    convert: true,
  });
  const faults = error ? error.details.map((d) => d.message) : weakSecrets(value);
  if (faults.length > 0) throw new ConfigurationError(`Configuration: ${faults.join('; ')}`);
  return value;
}

/** Loads `backend/.env`, else `.env` at the root, without overriding what is set. Entries call it; tests do not. */
export function loadEnvFile(): void {
  const backend = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
  const file = [join(backend, '.env'), join(backend, '..', '.env')].find((f) => existsSync(f));
  if (file) readFile({ path: file, quiet: true });
}

/** A production that runs on a sample secret is open to everyone who has read the documentation. */
function weakSecrets(env: Settings): string[] {
  if (env.NODE_ENV !== 'production') return [];
  return (['JWT_SECRET', 'EVOLUTION_API_KEY', 'DB_PASSWORD'] as const)
    .filter(
      (name) => env[name].length < (name === 'DB_PASSWORD' ? 12 : 32) || SAMPLE_SECRETS.includes(env[name]),
    )
    .map((name) => `"${name}" is missing, short or a sample; production needs a random secret of its own`);
}
