import { appendFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import type { GivenAnswer } from './conformance.js';

const folder = () => process.env['API_CALLS_DIR'];

/** Where a gateway logs to, so that the end of the run can look for secrets in it; nowhere outside of a run. */
export const logFile = (): { file?: string } => {
  const at = folder();
  return at ? { file: `${at}/${process.pid}-${randomBytes(4).toString('hex')}.log` } : {};
};

/** Shorter ones could be anything. */
const SHORTEST = 12;

/** Secrets of this run: none of them may be in a log. */
export function noteSecrets(secrets: readonly string[]): void {
  const at = folder();
  const long = secrets.filter((secret) => secret.length >= SHORTEST && !secret.includes('\n'));
  if (at && long.length > 0) appendFileSync(`${at}/${process.pid}.secrets`, `${long.join('\n')}\n`);
}

const FIELD = /^(apiKey|token|refreshToken|key|webhookSecret|secret|recoveryCodes)$/;

function* secretsOf(value: unknown, name = ''): Iterable<string> {
  if (typeof value === 'string' && FIELD.test(name)) yield value;
  if (Array.isArray(value)) for (const one of value) yield* secretsOf(one, name);
  else if (typeof value === 'object' && value !== null)
    for (const [key, one] of Object.entries(value)) yield* secretsOf(one, key);
}

/** What an answer shows once. */
export function noteSecretsIn({ type, text }: GivenAnswer): void {
  if (!folder() || !type.startsWith('application/json')) return;
  try {
    noteSecrets([...secretsOf(JSON.parse(text))]);
  } catch {
    // What is no JSON is found by whoever looks at the answer.
  }
}

/** No answer tells where in the code something happened. */
export const traceIn = ({ text }: GivenAnswer): string | null =>
  /\n\s+at .+:\d+:\d+|node_modules\//.test(text) ? 'it has a stack trace in it' : null;
