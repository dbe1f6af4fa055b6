import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** E.164 with +, or null when no country's numbering plan has such a number. Spaces, dashes and brackets are fine. */
export function toE164(text: string): string | null {
  const digits = text.trim().replace(/[\s().-]/g, '');
  if (!/^\+?[1-9]\d{6,14}$/.test(digits)) return null;
  const parsed = parsePhoneNumberFromString(oneForm(digits.startsWith('+') ? digits : `+${digits}`));
  return parsed?.isPossible() ? parsed.number : null;
}

/**
 * One form for a number that WhatsApp has under two: Brazilian mobiles with and without the ninth digit that their
 * numbering plan has added (+55 11 8888-7777 is +55 11 98888-7777), Mexican ones with and without the former 1. Both
 * doors use it, so that what is sent to one spelling and what comes from the other are one chat.
 */
export const oneForm = (number: string): string =>
  number.replace(/^(\+55\d{2})([6-9]\d{7})$/, '$19$2').replace(/^\+521(\d{10})$/, '+52$1');

/** Every form under which WhatsApp may have a number, ours first: nodes keep to the one they were told. */
export const spellingsOf = (number: string): string[] => {
  const one = oneForm(number);
  const other = one.replace(/^(\+55\d{2})9([6-9]\d{7})$/, '$1$2').replace(/^\+52(\d{10})$/, '+521$1');
  return other === one ? [one] : [one, other];
};

/** Whether two numbers in E.164 are the same WhatsApp account's. */
export const isSameNumber = (a: string, b: string): boolean => oneForm(a) === oneForm(b);

/** What numbering plans have that no phone with WhatsApp can have. */
const IMMOBILE = new Set([
  'FIXED_LINE',
  'PREMIUM_RATE',
  'TOLL_FREE',
  'SHARED_COST',
  'PAGER',
  'UAN',
  'VOICEMAIL',
]);

/** Whether a number in E.164 may be a mobile's; many plans do not tell. */
export const isMobile = (number: string): boolean =>
  !IMMOBILE.has(parsePhoneNumberFromString(number)?.getType() ?? '');
