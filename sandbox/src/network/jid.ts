/** Addresses of the network: `628…@s.whatsapp.net`, `…@lid` (an address without a number), `…@g.us`, `status@broadcast`. */

const USER = '@s.whatsapp.net';
const SHORT = 100_000_000_000_000n;
const LONG = 10_000_000_000_000_000n;
const STEP = 73_939_133n;
const SHIFT = 41_117_201n;

/** The inverse of STEP modulo a power of ten, by extended Euclid. */
const inverse = (modulus: bigint): bigint => {
  let [a, b, x, y] = [STEP, modulus, 1n, 0n];
  while (b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % modulus) + modulus) % modulus;
};
const UNSTEP_SHORT = inverse(SHORT);
const UNSTEP_LONG = inverse(LONG);

export const isGroup = (jid: string): boolean => jid.endsWith('@g.us');
export const isLid = (jid: string): boolean => jid.endsWith('@lid');
export const isBroadcast = (jid: string): boolean => jid.endsWith('@broadcast');

export const jidOf = (number: string): string => `${number}${USER}`;

/** The hidden address of a number: one to one, so that it needs no table. */
export const lidOf = (number: string): string => {
  const value = BigInt(number || '0');
  const long = value >= SHORT;
  const modulus = long ? LONG : SHORT;
  const mixed = (value * STEP + SHIFT) % modulus;
  return `${long ? '3' : '2'}${mixed.toString().padStart(long ? 16 : 14, '0')}@lid`;
};

const numberOfLid = (lid: string): string => {
  const digits = lid.replace(/\D/g, '');
  const long = digits.length > 15;
  const modulus = long ? LONG : SHORT;
  const mixed = BigInt(digits.slice(1) || '0');
  const value = ((mixed - SHIFT + modulus * 2n) * (long ? UNSTEP_LONG : UNSTEP_SHORT)) % modulus;
  return value.toString();
};

/** The number behind a user's address of either kind, digits only; a device part (`:3`) is dropped. */
export const numberOf = (jid: string): string =>
  isLid(jid) ? numberOfLid(jid) : (jid.split('@')[0]?.split(':')[0] ?? '').replace(/\D/g, '');

/**
 * What a caller may write for a recipient, as an address: full addresses stay, 18 digits and more are a group,
 * everything else is reduced to its digits.
 */
export const addressOf = (number: string): string => {
  if (/@(g\.us|s\.whatsapp\.net|lid|broadcast)$/.test(number)) return number;
  const digits = number.replace(/\D/g, '');
  return digits.length >= 18 ? `${digits}@g.us` : jidOf(digits);
};

/** Made-up address of a picture, stable per person or group. */
export const pictureOf = (jid: string): string =>
  `https://pps.whatsapp.net/v/t61.24694-24/${jid.split('@')[0]}_n.jpg?ccb=11-4&oh=01_SANDBOX&oe=65A00000&_nc_sid=5e03e0`;
