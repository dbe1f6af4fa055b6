import { isDeepStrictEqual } from 'node:util';
import type Joi from 'joi';

export type Json = Record<string, unknown>;
/**
 * Shapes that have a name of their own, by that name: joi's `.id('Phone')`, or `.meta({ id: 'Phone' })` where joi itself
 * would refuse two variants (required and not) of one id side by side.
 */
export type Components = Map<string, Json>;
export const emptyComponents = (): Components => new Map();

/** The parts of joi's `describe()` (its documented manifest) that its JSON Schema export leaves out. */
interface Description {
  flags?: { id?: string; presence?: string; only?: boolean };
  keys?: Record<string, Description>;
  items?: Description[];
  matches?: { schema?: Description }[];
  allow?: unknown[];
  examples?: unknown[];
  metas?: { id?: string }[];
  dependencies?: { rel: string; peers: (string | { key: string })[]; key?: string | null }[];
}

/**
 * JSON Schema 2020-12 of a joi schema, from joi's own export, mended where that says less or other than the schema does:
 * examples, null beside an enum, forbidden keys, `.or` `.xor` `.and`, and references to named shapes.
 */
export function exported(schema: Joi.Schema, components: Components): Json {
  // Joi types its standard props without the JSON half when a schema's type is erased.
  const standard = schema['~standard'] as unknown as {
    jsonSchema: { input(options: { target: string }): Json };
  };
  const { $defs: _defs, ...json } = standard.jsonSchema.input({ target: 'draft-2020-12' });
  return overlay(json, schema.describe() as Description, components);
}

function overlay(json: Json, about: Description, components: Components): Json {
  const parts = {
    ...keysOf(json, about, components),
    ...itemsOf(json, about, components),
    ...matchesOf(json, about, components),
  };
  const made: Json = {
    ...json,
    ...parts,
    ...(about.examples ? { examples: about.examples } : {}),
    ...enumOf(json, about),
    ...dependenciesOf(about),
  };
  const name = about.flags?.id ?? about.metas?.find(({ id }) => id)?.id;
  return name ? named(name, made, components) : made;
}

function keysOf(json: Json, about: Description, components: Components): Json {
  if (!about.keys) return {};
  const all = (json['properties'] ?? {}) as Record<string, Json>;
  const allowed = Object.entries(about.keys).filter(([, key]) => key.flags?.presence !== 'forbidden');
  return {
    properties: Object.fromEntries(
      allowed.map(([name, key]) => [name, overlay(all[name] ?? {}, key, components)]),
    ),
  };
}

function itemsOf(json: Json, about: Description, components: Components): Json {
  const [only, ...others] = about.items ?? [];
  if (!only || others.length > 0 || typeof json['items'] !== 'object') return {};
  return { items: overlay(json['items'] as Json, only, components) };
}

function matchesOf(json: Json, about: Description, components: Components): Json {
  const word = ['anyOf', 'oneOf', 'allOf'].find((name) => Array.isArray(json[name]));
  const schemas = (about.matches ?? []).flatMap(({ schema }) => (schema ? [schema] : []));
  if (!word || schemas.length !== (about.matches ?? []).length || schemas.length === 0) return {};
  const all = json[word] as Json[];
  // An allowed null stands before the alternatives, other allowed values after them.
  const first = about.allow?.includes(null) ? 1 : 0;
  return {
    [word]: all.map((item, i) =>
      schemas[i - first] ? overlay(item, schemas[i - first]!, components) : item,
    ),
  };
}

/** Joi lists null in the type, but not among the values, which in JSON Schema excludes it. */
function enumOf(json: Json, about: Description): Json {
  const values = json['enum'];
  return Array.isArray(values) && about.allow?.includes(null)
    ? { enum: [...(values as unknown[]), null] }
    : {};
}

function dependenciesOf({ dependencies = [] }: Description): Json {
  const rules = dependencies.flatMap(({ rel, peers }): Json[] => {
    const names = peers.map((peer) => (typeof peer === 'string' ? peer : peer.key));
    const each = names.map((name) => ({ required: [name] }));
    if (rel === 'or') return [{ anyOf: each }];
    if (rel === 'xor') return [{ oneOf: each }];
    if (rel === 'and') return [{ anyOf: [{ required: names }, { not: { anyOf: each } }] }];
    throw new Error(`JSON Schema for .${rel}() is not written yet; add it to utils/json-schema.ts`);
  });
  return rules.length > 0 ? { allOf: rules } : {};
}

/** Keeps a named shape once and refers to it; null and defaults belong to the place, not to the shape. */
function named(name: string, json: Json, components: Components): Json {
  const isNullable = Array.isArray(json['type']) && json['type'].includes('null');
  const type = isNullable ? (json['type'] as string[]).filter((one) => one !== 'null') : json['type'];
  const shape = {
    ...json,
    ...(isNullable ? { type: (type as string[]).length === 1 ? (type as string[])[0] : type } : {}),
  };
  const known = components.get(name);
  if (known && !isDeepStrictEqual(known, shape)) throw new Error(`Two different shapes are named ${name}`);
  components.set(name, shape);
  const reference = { $ref: `#/components/schemas/${name}` };
  return isNullable ? { anyOf: [reference, { type: 'null' }] } : reference;
}
