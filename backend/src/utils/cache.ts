/** Remembers answers for a while; callers that ask meanwhile share one question. A failed question is not kept. */
export function cache<Value>({ ms, size }: { ms: number; size: number }) {
  const entries = new Map<string, { value: Promise<Value>; until: number }>();
  const put = (name: string, value: Promise<Value>) => {
    if (entries.size >= size) entries.clear();
    entries.set(name, { value, until: Date.now() + ms });
  };
  return {
    forget: (name: string): void => void entries.delete(name),
    put: (name: string, value: Value) => put(name, Promise.resolve(value)),
    /** What was last remembered, however old. */
    last: (name: string): Promise<Value> | undefined => entries.get(name)?.value,
    /** `youngMs`: what was remembered longer ago is asked for anew. */
    get(name: string, load: () => Promise<Value>, youngMs = ms): Promise<Value> {
      const known = entries.get(name);
      if (known && known.until - ms + youngMs > Date.now()) return known.value;
      const value = load();
      put(name, value);
      value.catch(() => entries.delete(name));
      return value;
    },
  };
}
