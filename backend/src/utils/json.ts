import type { FieldError } from './problem.js';

/** JSON pointer (RFC 6901) of a path. */
export const pointer = (path: readonly (string | number)[]): string =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENS = new Set([0x5b, 0x7b]);
const CLOSES = new Set([0x5d, 0x7d]);

/**
 * Whether JSON text opens more than `limit` arrays and objects inside each other. Told from the bytes, before anything
 * is built: a megabyte of brackets would become some hundred megabytes of arrays.
 */
export function isDeeperThan(limit: number, bytes: Uint8Array): boolean {
  let depth = 0;
  let isInText = false;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i]!;
    if (isInText) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    else if (OPENS.has(byte) && (depth += 1) > limit) return true;
    else if (CLOSES.has(byte)) depth -= 1;
  }
  return false;
}

/** Names that reach an object's prototype where a careless line copies them. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
/** PostgreSQL stores neither of them: U+0000, and half a surrogate pair. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;
const EVERY_UNSTORABLE = /[\0\p{Surrogate}]/gu;

/**
 * The first thing in a parsed value that is refused whatever its schema says, or null. The value is no deeper than
 * isDeeperThan has allowed, so recursion is bounded; the path is one stack, as half a million items have one each.
 */
export function findHostile(value: unknown, path: (string | number)[] = []): FieldError | null {
  if (typeof value === 'string' && UNSTORABLE.test(value)) {
    const detail = 'Text may not hold U+0000 or half a surrogate pair';
    return { pointer: pointer(path), code: 'string.characters', detail };
  }
  if (Array.isArray(value)) return findAmong(value.keys(), value, path);
  if (typeof value === 'object' && value !== null) return findAmong(Object.keys(value), value, path);
  return null;
}

function findAmong(
  keys: Iterable<string | number>,
  values: object,
  path: (string | number)[],
): FieldError | null {
  for (const key of keys) {
    path.push(key);
    if (typeof key === 'string' && (FORBIDDEN_KEYS.has(key) || UNSTORABLE.test(key))) {
      return { pointer: pointer(path), code: 'object.key', detail: 'This name is not allowed' };
    }
    const found = findHostile((values as Record<string | number, unknown>)[key], path);
    if (found) return found;
    path.pop();
  }
  return null;
}

/** Replaces what cannot be stored by U+FFFD, for text that must not be refused. Depth is bounded by the caller. */
export function mend(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(EVERY_UNSTORABLE, '\uFFFD');
  if (Array.isArray(value)) return value.map(mend);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [mend(key), mend(item)]));
}

/** JSON text that is the same for the same value, in whatever order its fields came; absent fields are left out. */
export function canonical(value: unknown): string {
  if (value instanceof Date) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}
