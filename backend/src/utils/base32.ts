/** Crockford's base32 in lower case: no i, l, o or u, so that nothing is misread, and texts sort as their bytes do. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** The alphabet as a class of a regular expression. */
export const BASE32 = '[0-9a-hjkmnp-tv-z]';

/** Most significant bits first; a last group of fewer than five bits is filled with zeros. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}

/** Ten characters of the lowest 50 bits of a whole number, most significant first. */
export function encodeTime(milliseconds: number): string {
  let text = '';
  let rest = milliseconds;
  for (let i = 0; i < 10; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
