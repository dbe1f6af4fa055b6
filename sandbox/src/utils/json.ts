export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const asObject = (value: unknown): Json => (isObject(value) ? value : {});

/** How a 64-bit number comes out of a real node's JSON. */
export const long = (value: number, unsigned = false): Json => ({
  low: value | 0,
  high: Math.floor(value / 4_294_967_296),
  unsigned,
});

/** How bytes come out of a real node's JSON: an object with the positions as keys. */
export const bytes = (value: Uint8Array): Json =>
  Object.fromEntries([...value].map((byte, i) => [String(i), byte]));

/** Without the keys that have no value, so that what is stored equals what is sent. */
export const compact = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));

/** Whether a value is bytes in base64, some of them. */
export const isBase64 = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(value) && value.length % 4 === 0;
