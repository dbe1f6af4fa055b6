const VARIABLE = /\{\{\s*([A-Za-z_][\w.-]{0,63})\s*\}\}/g;

/**
 * `Hi {{name}}` with `{ name: 'Ann' }` → `Hi Ann`, in every text of `value`, however deep. What is put in is not looked
 * at again. `missing`: names that nothing was given for; their places are left as they are.
 */
export function fill<T>(
  value: T,
  variables: Readonly<Record<string, string | number>>,
): { value: T; missing: string[] } {
  const missing = new Set<string>();
  const text = (template: string) =>
    template.replaceAll(VARIABLE, (place, name: string) => {
      if (Object.hasOwn(variables, name)) return String(variables[name]);
      missing.add(name);
      return place;
    });
  const deep = (part: unknown): unknown => {
    if (typeof part === 'string') return text(part);
    if (Array.isArray(part)) return part.map(deep);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, deep(inner)]));
  };
  return { value: deep(value) as T, missing: [...missing] };
}

/** Whether the text at a JSON pointer into `value` has a place that nothing was put into. */
export function isUnfilled(value: unknown, pointer: string): boolean {
  const names = pointer.split('/').slice(1);
  const at = names.reduce<unknown>((part, name) => (part as Record<string, unknown> | null)?.[name], value);
  return typeof at === 'string' && fill(at, {}).missing.length > 0;
}
