import { isObject, type Json } from '../utils/json.js';
import { badRequest } from './errors.js';

/** As much of JSON Schema as the calls use; violations read as the real nodes' validator words them. */
export interface Schema {
  readonly type?: 'object' | 'string' | 'boolean' | 'number' | 'integer' | 'array';
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly minItems?: number;
  readonly minLength?: number;
  readonly pattern?: RegExp;
  /** Replaces every message about this value. */
  readonly description?: string;
}

interface Violation {
  readonly path: string;
  readonly text: string;
}

const TYPES: Record<NonNullable<Schema['type']>, (value: unknown) => boolean> = {
  object: isObject,
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  array: Array.isArray,
};

const ownViolations = (value: unknown, schema: Schema): string[] => {
  const found: string[] = [];
  if (schema.type && !TYPES[schema.type](value)) found.push(`is not of a type(s) ${schema.type}`);
  if (schema.enum && !schema.enum.includes(value as string))
    found.push(`is not one of enum values: ${schema.enum.join(',')}`);
  if (schema.pattern && typeof value === 'string' && !schema.pattern.test(value))
    found.push(`does not match pattern "${schema.pattern.source}"`);
  if (schema.minItems && Array.isArray(value) && value.length < schema.minItems)
    found.push(`does not meet minimum length of ${schema.minItems}`);
  if (schema.minLength && typeof value === 'string' && value.length < schema.minLength)
    found.push(`does not meet minimum length of ${schema.minLength}`);
  return found;
};

const join = (path: string, key: string): string => (path === 'instance' ? key : `${path}.${key}`);

const violations = (value: unknown, schema: Schema, path: string): Violation[] => {
  const own = ownViolations(value, schema).map((text) => ({
    path,
    text: schema.description ?? `${path} ${text}`,
  }));
  const missing = isObject(value) ? (schema.required ?? []).filter((key) => value[key] === undefined) : [];
  const nested = isObject(value)
    ? Object.entries(schema.properties ?? {}).flatMap(([key, rule]) =>
        value[key] === undefined ? [] : violations(value[key], rule, join(path, key)),
      )
    : [];
  const items =
    Array.isArray(value) && schema.items
      ? value.flatMap((item, i) => violations(item, schema.items!, `${path}[${i}]`))
      : [];
  return [
    ...own,
    ...nested,
    ...items,
    ...missing.map((key) => ({ path, text: `${path} requires property "${key}"` })),
  ];
};

/**
 * Refuses a body as a real node does: 400 with a list in the list.
 * @returns the body, for a call that goes on with it.
 */
export const validate = (body: unknown, schema: Schema): Json => {
  const found = violations(body ?? {}, schema, 'instance');
  if (found.length > 0) throw badRequest(found.map(({ text }) => text));
  return (body ?? {}) as Json;
};

/** The same in the form that group calls use: objects with `property` and `message`. */
export const validateGroup = (input: unknown, schema: Schema): Json => {
  const found = violations(input ?? {}, schema, 'instance');
  if (found.length > 0)
    throw badRequest(...found.map(({ path, text }) => ({ property: path, message: text })));
  return (input ?? {}) as Json;
};
