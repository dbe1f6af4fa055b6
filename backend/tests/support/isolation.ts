import { needsCaller, type Endpoint } from '../../src/utils/endpoint.js';

/** Ids that belong to somebody else, by the name of the resource in paths: `{ phones: 1, messages: 7 }`. */
export type OwnedIds = Record<string, number | string>;

export interface StrangerCall {
  /** Which row, and which of its ids is the foreign one. */
  name: string;
  method: string;
  path: string;
  body?: unknown;
  /** A list that is filtered by a foreign id may also be empty; all else has to be 404. */
  mayBeEmpty: boolean;
}

interface Key {
  type?: string;
  flags?: { presence?: string };
  examples?: unknown[];
  keys?: Record<string, Key>;
  items?: Key[];
}
const described = (schema: { describe(): unknown } | undefined): Key => (schema?.describe() ?? {}) as Key;
const keysOf = (schema: { describe(): unknown } | undefined): Record<string, Key> =>
  described(schema).keys ?? {};

/** `phoneId`, `phoneIds` and `somePhoneId` name phones. */
const resourceOf = (key: string): string | null =>
  /([A-Z]?[a-z]+)Ids?$/.exec(key)?.[1]?.toLowerCase().concat('s') ?? null;

/** An id that a body may name: where, as `reaction.messageId`, and of what. */
interface Place {
  path: string[];
  resource: string;
  isList: boolean;
}
const placesIn = ({ keys = {}, items = [] }: Key, above: string[] = []): Place[] => [
  ...Object.entries(keys).flatMap(([name, key]): Place[] => {
    const path = [...above, name];
    const resource = resourceOf(name);
    return resource ? [{ path, resource, isList: key.type === 'array' }] : placesIn(key, path);
  }),
  ...items.flatMap((item) => placesIn(item, [...above, '0'])),
];

/** A copy with another value there; where the example has nothing, it is made. */
function withValue(body: unknown, [name, ...rest]: string[], value: unknown): unknown {
  if (name === undefined) return value;
  const inner = (body ?? (name === '0' ? [] : {})) as Record<string, unknown>;
  const copy = (Array.isArray(inner) ? [...(inner as unknown[])] : { ...inner }) as Record<string, unknown>;
  copy[name] = withValue(inner[name], rest, value);
  return copy;
}
const valueAt = (body: unknown, path: string[]): unknown =>
  path.reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], body);

/**
 * A stranger's call for each id that each row takes, anywhere in its path, its query and its body: that one is somebody
 * else's (`foreign`), all others are the stranger's own, so that nothing but that one can be what is refused. Throws on a row
 * whose resource is not among them, or whose required fields have no example, so that no new row is left out in silence.
 */
export function strangerCalls(
  endpoints: readonly Endpoint[],
  { foreign, own }: { foreign: OwnedIds; own: OwnedIds },
): StrangerCall[] {
  // An admin's rows name nobody's own; that others may not call them is a test of its own.
  const rows = endpoints.filter((row) => needsCaller(row) && row.access !== 'admin');
  return rows.flatMap((row): StrangerCall[] => {
    const name = `${row.method.toUpperCase()} ${row.path}`;
    const method = row.method.toUpperCase();
    const idOf = (ids: OwnedIds, resource: string): number | string => {
      const id = ids[resource];
      if (id === undefined) throw new Error(`${name}: give an id of ${resource}`);
      return id;
    };
    const pathOf = (ids: OwnedIds) =>
      row.path.replace(/([^/]+)\/:[^/]+/g, (_all, resource: string) => `${resource}/${idOf(ids, resource)}`);
    const places = placesIn(described(row.input.body));
    const bodyWith = (place?: Place): { body?: unknown } => {
      const example = exampleOf(row, place?.path[0]).body;
      if (!example) return {};
      const given = ({ resource, isList }: Place, ids: OwnedIds) => {
        const id = idOf(ids, resource);
        return isList ? [id] : id;
      };
      const mine = places
        .filter(({ path }) => valueAt(example, path) !== undefined)
        .reduce<unknown>((body, one) => withValue(body, one.path, given(one, own)), example);
      return { body: place ? withValue(mine, place.path, given(place, foreign)) : mine };
    };
    const inPath =
      pathOf(foreign) === row.path
        ? []
        : [{ name, method, path: `${pathOf(foreign)}${queryOf(row)}`, ...bodyWith(), mayBeEmpty: false }];
    const inQuery = Object.keys(keysOf(row.input.query)).flatMap((key) => {
      const resource = resourceOf(key);
      if (!resource) return [];
      const path = `${pathOf(own)}?${key}=${idOf(foreign, resource)}`;
      return [{ name: `${name}?${key}`, method, path, ...bodyWith(), mayBeEmpty: true }];
    });
    const inBody = places.map((place) => ({
      name: `${name} {${place.path.join('.')}}`,
      method,
      path: pathOf(own),
      ...bodyWith(place),
      mayBeEmpty: false,
    }));
    return [...inPath, ...inQuery, ...inBody];
  });
}

/** What a query has to say, by its examples. */
function queryOf(row: Endpoint): string {
  const required = Object.entries(keysOf(row.input.query)).filter(
    ([, key]) => key.flags?.presence === 'required',
  );
  const query = new URLSearchParams(
    required.map(([name, key]): [string, string] => [name, String(key.examples?.[0])]),
  );
  return required.length === 0 ? '' : `?${query.toString()}`;
}

/** The first example, or the first that has a field. */
function exampleOf(row: Endpoint, field?: string): { body?: Record<string, unknown> } {
  if (!row.input.body) return {};
  const { examples } = row.input.body.describe() as { examples?: Record<string, unknown>[] };
  const fitting = examples?.find((one) => field !== undefined && field in one) ?? examples?.[0];
  if (fitting) return { body: fitting };
  const required = Object.entries(keysOf(row.input.body)).filter(
    ([, key]) => key.flags?.presence === 'required',
  );
  return {
    body: Object.fromEntries(
      required.map(([name, key]) => {
        if (!key.examples) throw new Error(`${row.method} ${row.path}: give ${name} an example`);
        return [name, key.examples[0]];
      }),
    ),
  };
}

/**
 * Makes every stranger's call; what comes back is the list of those that were answered as they must not be. Removals go
 * last, the latest rows first, so that each still finds what the others are about.
 */
export async function trespasses(url: string, token: string, calls: StrangerCall[]): Promise<string[]> {
  const isRemoval = ({ method }: StrangerCall) => method === 'DELETE';
  const found = await Promise.all(
    calls.filter((call) => !isRemoval(call)).map((call) => trespass(url, token, call)),
  );
  for (const call of calls.filter(isRemoval).reverse()) found.push(await trespass(url, token, call));
  return found.flat();
}

async function trespass(url: string, token: string, call: StrangerCall): Promise<string[]> {
  const answer = await fetch(`${url}${call.path}`, {
    method: call.method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(call.body ? { 'content-type': 'application/json' } : {}),
    },
    ...(call.body ? { body: JSON.stringify(call.body) } : {}),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json');
  const body = (isJson ? JSON.parse(text) : { text }) as { code?: string; data?: unknown[] };
  const isHidden = answer.status === 404 && body.code === 'not_found';
  const isEmpty = call.mayBeEmpty && answer.status === 200 && body.data?.length === 0;
  return isHidden || isEmpty ? [] : [`${call.name}: ${answer.status} ${JSON.stringify(body).slice(0, 200)}`];
}
