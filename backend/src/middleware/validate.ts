import type { RequestHandler } from 'express';
import Joi from 'joi';
import { hasBody, type Endpoint, type Input, type Req } from '../utils/endpoint.js';
import { findHostile, pointer } from '../utils/json.js';
import { Problem, type FieldError } from '../utils/problem.js';

type Part = keyof Input;

/** Where a part of the request is found in a FieldError's pointer; a body is the document itself. */
const PREFIX: Record<Part, string> = { params: '/path', query: '/query', headers: '/headers', body: '' };
/** Of a body larger than this only the first fault is named: naming each of 100 000 costs half a gigabyte. */
const NAME_ALL_BELOW = 64 * 1024;

const MESSAGES = {
  // Joi's own wording repeats the value, which may be a secret.
  'string.pattern.base': '{{#label}} is not of the right form',
  'string.pattern.name': '{{#label}} must be {{#name}}',
  'object.unknown': '{{#label}} is not a known field',
};

const OPTIONS: Joi.ValidationOptions = {
  allowUnknown: false,
  messages: MESSAGES,
  errors: { label: 'path', wrap: { label: false, array: false } },
};

/** What a client may translate with: limits and allowed values, never the value that was sent. */
function paramsOf(context: Joi.Context = {}): Pick<FieldError, 'params'> {
  const {
    label: _label,
    key: _key,
    child: _child,
    value: _value,
    regex: _regex,
    error: _error,
    ...rest
  } = context;
  const params = JSON.parse(JSON.stringify(rest)) as Record<string, unknown>;
  return Object.keys(params).length > 0 ? { params } : {};
}

const fieldErrors = (part: Part, error: Joi.ValidationError): FieldError[] =>
  error.details.map(({ path, type, context, message }) => ({
    pointer: PREFIX[part] + pointer(path),
    code: type,
    ...paramsOf(context),
    detail: message,
  }));

/** Preferences are compiled into the schema, once: given to each validation they cost it twice its time. */
const compiled = (schema: Joi.ObjectSchema, part: Part) => {
  const options = { ...OPTIONS, convert: part !== 'body' };
  return {
    /** Names every fault. */
    all: schema.prefs({ ...options, abortEarly: false }),
    /** Names the first. */
    first: schema.prefs({ ...options, abortEarly: true }),
  };
};

interface Check {
  part: Part;
  schemas: ReturnType<typeof compiled>;
  /** Header names that the schema knows; all others are none of its business. */
  names: string[];
}

const keysOf = (schema: Joi.ObjectSchema): string[] =>
  Object.keys((schema.describe() as { keys?: Record<string, unknown> }).keys ?? {});

const nothing = Joi.object({});

function checksOf(row: Endpoint): Check[] {
  const { params, query, headers } = row.input;
  const body = row.input.body ?? (hasBody(row) && row.access !== 'node' ? nothing : undefined);
  const schemas: [Part, Joi.ObjectSchema | undefined][] = [
    ['params', params ?? nothing],
    ['query', query ?? nothing],
    ['headers', headers],
    ['body', body],
  ];
  return schemas.flatMap(([part, schema]) =>
    schema
      ? [
          {
            part,
            schemas: compiled(schema, part),
            names: part === 'headers' ? keysOf(schema) : [],
          },
        ]
      : [],
  );
}

function rawOf(req: Req, { part, names }: Check): unknown {
  if (part === 'headers') {
    return Object.fromEntries(
      names.flatMap((name) => (req.headers[name] === undefined ? [] : [[name, req.headers[name]]])),
    );
  }
  if (part === 'body') return (req.body as unknown) ?? {};
  return { ...(req[part] as object) };
}

/** The part as its schema makes it, or what is wrong with it. */
function check(req: Req, one: Check): { value: unknown; errors: FieldError[] } {
  const raw = rawOf(req, one);
  const hostile = one.part === 'params' || one.part === 'query' ? findHostile(raw) : null;
  if (hostile) return { value: raw, errors: [{ ...hostile, pointer: PREFIX[one.part] + hostile.pointer }] };
  const isLarge = one.part === 'body' && Number(req.headers['content-length'] ?? Infinity) > NAME_ALL_BELOW;
  const schema = isLarge ? one.schemas.first : one.schemas.all;
  const { value, error } = schema.validate(raw) as Joi.ValidationResult<unknown>;
  return { value, errors: error ? fieldErrors(one.part, error) : [] };
}

/**
 * The same check of one value inside a body, by pointers into that value: of a part that is accepted or refused by
 * itself.
 */
export function checker<T>(
  schema: Joi.ObjectSchema<T>,
): (value: unknown) => { value: T } | { errors: FieldError[] } {
  const { all } = compiled(schema, 'body');
  return (raw) => {
    const { value, error } = all.validate(raw);
    return error ? { errors: fieldErrors('body', error) } : { value: value as T };
  };
}

/** Puts parsed input on `req.input`, or refuses with every fault of every part named. */
export function validate(row: Endpoint): RequestHandler {
  const checks = checksOf(row);
  return (request, _res, next) => {
    const req = request as Req;
    const input: Input = {};
    const errors: FieldError[] = [];
    for (const one of checks) {
      const result = check(req, one);
      input[one.part] = result.value;
      errors.push(...result.errors);
    }
    if (errors.length > 0) {
      const named = errors.slice(0, 3).map(({ detail }) => detail);
      throw new Problem('invalid_request', named.join('; '), { errors });
    }
    req.input = input;
    next();
  };
}
