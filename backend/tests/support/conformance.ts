import { appendFileSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import Joi from 'joi';
import { isFile, mediaTypeOf, problemsOf, type Endpoint, type Req } from '../../src/utils/endpoint.js';
import { openapi } from '../../src/utils/openapi.js';
import { catalogue, problemType, type ProblemCode } from '../../src/utils/problem.js';
import { noteSecretsIn, traceIn } from './secrets.js';

/** What any path may answer, whether a row of the table has it or not. */
const UNMATCHED: ProblemCode[] = [
  'not_found',
  'method_not_allowed',
  'too_many_requests',
  'unavailable',
  'internal',
  'invalid_request',
];

const PROBLEM = Joi.object({
  type: Joi.string().required(),
  title: Joi.string().required(),
  status: Joi.number().integer().required(),
  code: Joi.string().required(),
  detail: Joi.string().required(),
  requestId: Joi.string().required(),
  errors: Joi.array().items(
    Joi.object({
      pointer: Joi.string().allow('').required(),
      code: Joi.string().required(),
      params: Joi.object().unknown(),
      detail: Joi.string().required(),
    }),
  ),
});

export interface GivenAnswer {
  status: number;
  type: string;
  text: string;
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const joiFault = (schema: Joi.Schema, value: unknown): string | null =>
  schema.validate(value, { convert: false, abortEarly: false, allowUnknown: false }).error?.message ?? null;

function problemFault(row: Endpoint | undefined, { status, text }: GivenAnswer): string | null {
  const body = parsed(text) as { code: ProblemCode; status: number; type: string; title: string } | undefined;
  const shape = joiFault(PROBLEM.required(), body);
  if (shape || !body) return shape ?? 'it is no JSON';
  const entry = catalogue[body.code];
  if (!entry) return `the catalogue has no code ${body.code}`;
  if (entry.status !== status || body.status !== status)
    return `${body.code} is answered with ${entry.status}, not ${status}`;
  if (entry.title !== body.title || body.type !== problemType(body.code))
    return `${body.code} has another title or type`;
  const allowed = row ? problemsOf(row) : UNMATCHED;
  return allowed.includes(body.code) ? null : `the row does not list ${body.code} among its problems`;
}

/** The published document, compiled: what clients generate their code from has to be as true as the joi schema is. */
const compiled = new WeakMap<Endpoint, Map<number, ValidateFunction>>();
function published(row: Endpoint, status: number): ValidateFunction {
  const known = compiled.get(row) ?? new Map<number, ValidateFunction>();
  compiled.set(row, known);
  const check = known.get(status) ?? compile(row, status);
  known.set(status, check);
  return check;
}

function compile(row: Endpoint, status: number): ValidateFunction {
  const document = openapi([row], { version: '0' }) as any;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const [operation] = Object.values(document.paths).map((path: any) => path[row.method]);
  const { schema } = operation.responses[status].content['application/json'];
  return ajv.compile({ ...schema, components: document.components });
}

/** A file is looked at by its type alone. */
const fileFault = (expected: string, type: string): string | null =>
  expected === '*/*' || type.split(';')[0]!.trim() === expected
    ? null
    : `it is ${type || 'without a type'}, not ${expected}`;

/** What is wrong with an answer, held against the row that gave it; null when nothing is. */
export function faultOf(row: Endpoint | undefined, answer: GivenAnswer): string | null {
  const { status, type, text } = answer;
  if (type.startsWith('application/problem+json')) return problemFault(row, answer);
  if (!row) return `an answer that no row gave is no problem+json but ${type || 'without a type'}`;
  const schema = row.output[status];
  if (schema === undefined) return `the row lists no output for ${status}`;
  if (schema === null) return text === '' ? null : 'the row lists no body for this status';
  if (isFile(schema)) return fileFault(mediaTypeOf(schema), type);
  if (!type.startsWith('application/json')) return `it is ${type || 'without a type'}, not application/json`;
  const value = parsed(text);
  const fault = joiFault(schema.required(), value);
  if (fault) return fault;
  const check = published(row, status);
  return check(value) ? null : `by the published schema: ${JSON.stringify(check.errors)}`;
}

/** A row whose schema cannot be exported is a fault of the row, not of the test that met it. */
function tried(row: Endpoint | undefined, answer: GivenAnswer): string | null {
  try {
    return faultOf(row, answer);
  } catch (error) {
    return String(error);
  }
}

export type Note = (word: 'row' | 'done' | 'fault', text: string) => void;

/** One line for each row that exists and each that answered, for the reporter that wants every row tried. */
export const noteInFile: Note = (word, text) => {
  const folder = process.env['API_CALLS_DIR'];
  if (folder) appendFileSync(`${folder}/${process.pid}.calls`, `${word} ${text}\n`);
};

const nameOf = ({ method, path }: Pick<Endpoint, 'method' | 'path'>): string =>
  `${method.toUpperCase()} ${path}`;

/**
 * Serves `listener`, holding every answer against its row. One that departs from it is replaced by 599 and a
 * sentence, so that the test that asked fails whatever it looks at; the run fails as well.
 */
export function conforming(
  listener: RequestListener,
  endpoints: readonly Endpoint[],
  note: Note = noteInFile,
): RequestListener {
  for (const row of endpoints) note('row', nameOf(row));
  return (req, res) => {
    if (!req.url?.startsWith('/api-docs')) watch(req as Req, res, note);
    listener(req, res);
  };
}

/** Holds the answer back until it is whole and has been looked at. */
function watch(req: Req, res: ServerResponse, note: Note): void {
  const chunks: Buffer[] = [];
  const end = res.end.bind(res) as (body?: Buffer) => ServerResponse;
  const keep = (chunk: unknown, encoding: unknown): void => {
    if (typeof chunk === 'string')
      chunks.push(Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'));
    else if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  };
  res.write = ((chunk: unknown, encoding: unknown) => {
    keep(chunk, encoding);
    return true;
  }) as typeof res.write;
  res.end = ((chunk: unknown, encoding: unknown) => {
    keep(chunk, encoding);
    const row = req.endpoint;
    const body = Buffer.concat(chunks);
    const given = {
      status: res.statusCode,
      type: String(res.getHeader('content-type') ?? ''),
      text: body.toString(),
    };
    const isChecked = req.method !== 'HEAD' && req.method !== 'OPTIONS';
    noteSecretsIn(given);
    const fault = isChecked ? (traceIn(given) ?? tried(row, given)) : null;
    if (row && !fault && row.output[given.status] !== undefined) note('done', nameOf(row));
    return fault ? refuse(fault) : end(body);
  }) as typeof res.end;

  function refuse(fault: string): ServerResponse {
    const text = `${req.method} ${req.originalUrl} answered ${res.statusCode}, which is wrong: ${fault}`;
    note('fault', text);
    res.statusCode = 599;
    for (const name of res.getHeaderNames()) res.removeHeader(name);
    res.setHeader('content-type', 'application/json');
    return end(Buffer.from(JSON.stringify({ nonconforming: text })));
  }
}
