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
  flags?: { presence?: string };
  examples?: unknown[];
}
const keysOf = (schema: { describe(): unknown } | undefined): Record<string, Key> =>
  (schema?.describe() as { keys?: Record<string, Key> } | undefined)?.keys ?? {};

/** `phoneId` names one of the phones. */
const resourceOf = (key: string): string | null => /^([a-z]+)Id$/.exec(key)?.[1]?.concat('s') ?? null;

/**
 * A stranger's call for each id that each row takes: in its path, its query and its body. Throws on a row whose
 * resource is not among `owned`, or whose required fields have no example, so that no new row is left out in silence.
 */
export function strangerCalls(endpoints: readonly Endpoint[], owned: OwnedIds): StrangerCall[] {
  const idOf = (resource: string, row: Endpoint): number | string => {
    const id = owned[resource];
    if (id === undefined) throw new Error(`${row.method} ${row.path}: give ownedIds an id of ${resource}`);
    return id;
  };
  // An admin's rows name nobody's own; that others may not call them is a test of its own.
  const rows = endpoints.filter((row) => needsCaller(row) && row.access !== 'admin');
  return rows.flatMap((row): StrangerCall[] => {
    const name = `${row.method.toUpperCase()} ${row.path}`;
    const method = row.method.toUpperCase();
    const path = row.path.replace(
      /([^/]+)\/:[^/]+/g,
      (_all, resource: string) => `${resource}/${idOf(resource, row)}`,
    );
    const body = exampleOf(row);
    const asked = { name, method, path: `${path}${queryOf(row)}`, ...body, mayBeEmpty: false };
    const inPath = path === row.path ? [] : [asked];
    const inQuery = foreignKeys(row.input.query).map(([key, resource]) => ({
      name: `${name}?${key}`,
      method,
      path: `${path}?${key}=${idOf(resource, row)}`,
      ...body,
      mayBeEmpty: true,
    }));
    const inBody = foreignKeys(row.input.body).map(([key, resource]) => ({
      name: `${name} {${key}}`,
      method,
      path,
      body: { ...exampleOf(row, key).body, [key]: idOf(resource, row) },
      mayBeEmpty: false,
    }));
    return [...inPath, ...inQuery, ...inBody];
  });
}

const foreignKeys = (schema: Endpoint['input']['body']): [string, string][] =>
  Object.keys(keysOf(schema)).flatMap((key) => {
    const resource = resourceOf(key);
    return resource ? [[key, resource] as [string, string]] : [];
  });

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
