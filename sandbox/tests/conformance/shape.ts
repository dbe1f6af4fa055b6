/**
 * Compares a live value with a recorded one, field by field: the same keys, the same types, and equal values where a
 * value is a word of the protocol. Lists are compared element by element with any recorded element of the list.
 */

/** Fields whose values are words of the protocol: they must be equal. */
const WORDS = new Set([
  'action', 'addressingMode', 'admin', 'announce', 'error', 'event', 'exists', 'fromMe', 'integration', 'isBoom', 'isGroup',
  'isSaved', 'leave', 'mediaType', 'messageType', 'presence', 'read', 'restrict', 'revoked', 'send', 'source', 'state',
  'status', 'statusCode', 'statusReason', 'tag', 'type', 'update',
]); // prettier-ignore

type Kind = 'null' | 'string' | 'number' | 'boolean' | 'bytes' | 'list' | 'object';

const isBytes = (value: object): boolean => {
  const keys = Object.keys(value);
  return keys.length > 8 && keys.every((key) => /^\d+$/.test(key));
};

const kindOf = (value: unknown): Kind => {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'list';
  if (typeof value !== 'object') return typeof value as Kind;
  return isBytes(value) ? 'bytes' : 'object';
};

/** What a field of one name is anywhere in the recordings: its kinds, and, for lists, their elements. */
export interface Known {
  readonly kinds: Set<Kind>;
  readonly elements: unknown[];
  /** Whether it was an empty list somewhere. */
  empty: boolean;
}
export type Knowledge = Map<string, Known>;

/** So that a null, or an empty list, is no mistake where the recordings have both. */
export const knowledgeOf = (values: readonly unknown[]): Knowledge => {
  const fields: Knowledge = new Map();
  const visit = (value: unknown, field: string): void => {
    const known = fields.get(field) ?? { kinds: new Set<Kind>(), elements: [], empty: false };
    fields.set(field, known);
    known.kinds.add(kindOf(value));
    if (Array.isArray(value)) {
      known.elements.push(...value);
      known.empty ||= value.length === 0;
      value.forEach((entry) => visit(entry, `${field}[]`));
    } else if (kindOf(value) === 'object')
      Object.entries(value as object).forEach(([key, entry]) => visit(entry, key));
  };
  values.forEach((value) => visit(value, ''));
  return fields;
};

/** @returns what differs, as lines; empty when nothing does. */
export const differences = (recorded: unknown, live: unknown, known: Knowledge, path = '$'): string[] => {
  const [was, is] = [kindOf(recorded), kindOf(live)];
  const field =
    path
      .replace(/\[\d+\]$/, '[]')
      .split('.')
      .pop() ?? '';
  if (was !== is) {
    const kinds = known.get(field)?.kinds;
    const optional = (was === 'null' || is === 'null') && kinds?.has(was) && kinds.has(is);
    return optional ? [] : [`${path}: recorded ${was}, live ${is}`];
  }
  if (is === 'list') return listDifferences(recorded as unknown[], live as unknown[], known, path);
  if (is === 'object') {
    const [a, b] = [recorded as Record<string, unknown>, live as Record<string, unknown>];
    const missing = Object.keys(a).filter((key) => !(key in b));
    const extra = Object.keys(b).filter((key) => !(key in a));
    return [
      ...missing.map((key) => `${path}.${key}: missing`),
      ...extra.map((key) => `${path}.${key}: not recorded`),
      ...Object.keys(a).flatMap((key) =>
        key in b ? differences(a[key], b[key], known, `${path}.${key}`) : [],
      ),
    ];
  }
  // Which acks a stored message has had so far is a matter of time.
  const isWord = WORDS.has(field) && !path.includes('MessageUpdate');
  return isWord && recorded !== live ? [`${path}: recorded ${String(recorded)}, live ${String(live)}`] : [];
};

const listDifferences = (recorded: unknown[], live: unknown[], known: Knowledge, path: string): string[] => {
  const elsewhere = known.get(path.split('.').pop() ?? '');
  if (live.length === 0 && (recorded.length === 0 || elsewhere?.empty)) return [];
  const models = recorded.length > 0 ? recorded : (elsewhere?.elements ?? []);
  if (live.length === 0 || models.length === 0)
    return [`${path}: recorded ${recorded.length} entries, live ${live.length}`];
  return live.flatMap((entry, i) => {
    const attempts = models.map((other) => differences(other, entry, known, `${path}[${i}]`));
    return attempts.some((lines) => lines.length === 0)
      ? []
      : attempts.sort((a, b) => a.length - b.length)[0]!;
  });
};
