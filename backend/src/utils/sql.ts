/** A statement whose every `${}` is a bound parameter or another fragment; text is never concatenated from values. */
export interface Sql {
  readonly kind: 'sql';
  readonly parts: readonly string[];
  readonly values: readonly unknown[];
}

const isSql = (value: unknown): value is Sql =>
  typeof value === 'object' && value !== null && (value as Sql).kind === 'sql';

export function sql(strings: TemplateStringsArray, ...inserts: unknown[]): Sql {
  const parts: string[] = [strings[0] ?? ''];
  const values: unknown[] = [];
  inserts.forEach((insert, i) => {
    const after = strings[i + 1] ?? '';
    if (!isSql(insert)) {
      values.push(insert);
      parts.push(after);
      return;
    }
    const [first = '', ...rest] = insert.parts;
    parts[parts.length - 1] += first;
    parts.push(...rest);
    values.push(...insert.values);
    parts[parts.length - 1] += after;
  });
  return { kind: 'sql', parts, values };
}

/** A fixed piece of SQL text, such as a column list. Never call it with anything a caller sent. */
export const raw = (text: string): Sql => ({ kind: 'sql', parts: [text], values: [] });

export const join = (items: readonly Sql[], separator: string): Sql =>
  items.reduce((all, item, i) => (i === 0 ? item : sql`${all}${raw(separator)}${item}`), raw(''));

/** As node-postgres wants it: text with $1, $2, … and the values. */
export const compile = (statement: Sql): { text: string; values: unknown[] } => ({
  text: statement.parts.reduce((text, part, i) => (i === 0 ? part : `${text}$${i}${part}`), ''),
  values: [...statement.values],
});
