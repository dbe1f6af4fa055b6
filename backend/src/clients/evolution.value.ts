/** Reading JSON of which nothing is sure. */

export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const object = (value: unknown): Json => (isObject(value) ? value : {});

/** Text without what PostgreSQL cannot store; null when there is none. */
export const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value.replaceAll('\u0000', '') : null;

/** A count that may come as a number, as text, or as a 64-bit number in halves `{low, high}`; null when none. */
export const bytesOf = (value: unknown): number | null => {
  const whole = isObject(value)
    ? Number(value['high'] ?? 0) * 2 ** 32 + (Number(value['low'] ?? 0) >>> 0)
    : Number(value ?? NaN);
  return Number.isSafeInteger(whole) && whole >= 0 ? whole : null;
};
