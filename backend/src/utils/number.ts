import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** E.164 with +, or null when no country's numbering plan has such a number. Spaces, dashes and brackets are fine. */
export function toE164(text: string): string | null {
  const digits = text.trim().replace(/[\s().-]/g, '');
  if (!/^\+?[1-9]\d{6,14}$/.test(digits)) return null;
  const parsed = parsePhoneNumberFromString(digits.startsWith('+') ? digits : `+${digits}`);
  return parsed?.isPossible() ? parsed.number : null;
}

/** WhatsApp keeps many Brazilian mobiles without the ninth digit that their numbering plan has since added. */
const withoutNinth = (number: string): string => number.replace(/^(\+55\d{2})9(\d{8})$/, '$1$2');

/** Whether two numbers in E.164 are the same WhatsApp account's. */
export const isSameNumber = (a: string, b: string): boolean => withoutNinth(a) === withoutNinth(b);
