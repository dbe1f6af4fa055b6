import { jidOf } from '../clients/evolution.address.js';
import type { Names, Naming } from '../models/erasure.js';
import { oneForm, spellingsOf } from '../utils/number.js';

/** What stands before the @ on nodes. */
const userOf = (address: string): string => address.replace(/^(\+|lid:)/, '');

/**
 * How somebody is named inside of longer texts: with what makes digits a name, in our words (`+62…`, `lid:…`), in a mention or
 * a card, or as on nodes (`62…:12@s.whatsapp.net`). Digits alone may be an id or a time; a longer number is somebody else's.
 */
function patternOf(address: string): string {
  const user = userOf(address);
  const [before, domains] = address.startsWith('lid:')
    ? ['lid:|@', 'lid']
    : ['[+]|@|waid=', 's[.]whatsapp[.]net|c[.]us'];
  return `(${before})${user}([^0-9]|$)|(^|[^0-9])${user}(:[0-9]+)?@(${domains})`;
}

export function namesOf(addresses: readonly string[]): Names {
  const all = [
    ...new Set(addresses.flatMap((one) => (one.startsWith('+') ? spellingsOf(one) : [oneForm(one)]))),
  ];
  return {
    addresses: all,
    jids: all.map(jidOf),
    users: all.map(userOf),
    pattern: all.map(patternOf).join('|'),
  };
}

type Json = Record<string, unknown>;

/** Nothing of it is left; no value of JSON. */
const GONE = Symbol('gone');

/** What is named by itself goes; of a list, each that names them goes whole, as a card has their name beside their number. */
function without(value: unknown, is: RegExp): unknown {
  if (value === null || !is.test(JSON.stringify(value))) return value;
  if (Array.isArray(value)) {
    const rest = value.filter((item) => !is.test(JSON.stringify(item)));
    return rest.length > 0 ? rest : GONE;
  }
  if (typeof value !== 'object') return GONE;
  const rest = Object.entries(value)
    .filter(([name]) => !is.test(name))
    .map(([name, item]) => [name, without(item, is)] as const);
  return Object.fromEntries(rest.filter(([, item]) => item !== GONE));
}

/** What others said, and names nobody: without mentions, cards and quotes of them. */
export function withoutThem(said: Naming, { pattern, users }: Names): Naming {
  const is = new RegExp(pattern);
  const mention = new RegExp(`@(${users.join('|')})(?!\\d)`, 'g');
  return {
    id: said.id,
    payload: said.payload && (without(said.payload, is) as Json),
    key: said.key && (without(said.key, is) as Json),
    content: said.content && said.content.replace(mention, '@'),
  };
}
