import type Joi from 'joi';
import { hasBody, isFile, mediaTypeOf, needsCaller, problemsOf, scopeOf, type Endpoint } from './endpoint.js';
import { emptyComponents, exported, type Components, type Json } from './json-schema.js';
import { catalogue, type ProblemCode } from './problem.js';

/** Something that is posted to whoever asked for it. */
export interface Announcement {
  name: string;
  summary: string;
  schema: Joi.Schema;
}

interface About {
  version: string;
  /** What webhooks receive. */
  announcements?: readonly Announcement[];
  /** The public address; without it the document knows only its own origin. */
  serverUrl?: string;
}

const SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A token from `POST /api/auth/login`, or an API key (`ev_…`).',
  },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key (`ev_…`).' },
};

const HEADERS = {
  'X-Request-Id': { description: "The caller's own, or a new one", schema: { type: 'string' } },
  RateLimit: { description: 'What is left of each limit (draft-8)', schema: { type: 'string' } },
  'RateLimit-Policy': { description: 'The limits that apply (draft-8)', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer', minimum: 1 } },
  'Idempotent-Replayed': {
    description: '`true` on the repeated answer of a repeated request',
    schema: { type: 'string' },
  },
};

const FIELD_ERROR: Json = {
  type: 'object',
  required: ['pointer', 'code', 'detail'],
  additionalProperties: false,
  properties: {
    pointer: {
      type: 'string',
      description: 'A JSON pointer: /phoneId, /query/limit, /path/id, /headers/idempotency-key',
    },
    code: { type: 'string' },
    params: { type: 'object', description: 'What a translation of `code` needs' },
    detail: { type: 'string' },
  },
};

const PROBLEM: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'requestId'],
  additionalProperties: false,
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(catalogue) },
    detail: { type: 'string' },
    requestId: { type: 'string' },
    errors: { type: 'array', items: { $ref: '#/components/schemas/FieldError' } },
  },
};

/** `/api/phones/:id` → `/api/phones/{id}`. */
const templated = (path: string): string => path.replace(/:([^/]+)/g, '{$1}');

/** `POST /api/phones/:id/qr` → `postPhonesByIdQr`: stable as long as the path is, and so are the names in clients. */
export const operationIdOf = ({ method, path, operationId }: Endpoint): string =>
  operationId ??
  method +
    path
      .replace(/^\/api\//, '/')
      .replace(/:/g, 'by-')
      .split(/[^A-Za-z0-9]+/)
      .filter(Boolean)
      .map((word) => word[0]!.toUpperCase() + word.slice(1))
      .join('');

function parameters(row: Endpoint, components: Components): Json[] {
  const places = [
    ['path', row.input.params],
    ['query', row.input.query],
    ['header', row.input.headers],
  ] as const;
  return places.flatMap(([place, schema]) => {
    if (!schema) return [];
    const { properties = {}, required = [] } = exported(schema, components) as {
      properties?: Record<string, Json>;
      required?: string[];
    };
    return Object.entries(properties).map(([name, { description, examples, ...rest }]) => ({
      name: place === 'header' ? headerName(name) : name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description ? { description } : {}),
      schema: rest,
      ...(Array.isArray(examples) ? { example: examples[0] as unknown } : {}),
    }));
  });
}

const headerName = (name: string): string => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

function success(row: Endpoint, status: number, schema: Joi.Schema | null, components: Components): Json {
  const isReplayable = 'idempotency-key' in propertiesOf(row.input.headers);
  const names = ['X-Request-Id'];
  if (row.limit !== 'none') names.push('RateLimit', 'RateLimit-Policy');
  if (isReplayable) names.push('Idempotent-Replayed');
  return {
    description: DESCRIPTIONS[status] ?? 'Done',
    headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    ...(schema ? { content: contentOf(schema, components) } : {}),
  };
}

/** A file has no schema (OpenAPI 3.1, "Considerations for File Uploads"). */
const contentOf = (schema: Joi.Schema, components: Components): Json =>
  isFile(schema)
    ? { [mediaTypeOf(schema)]: {} }
    : { 'application/json': { schema: exported(schema, components) } };

/** The body as JSON, where a file has no place, and as a form, where nested fields are JSON text. */
function bodyContent(row: Endpoint, body: Joi.Schema, components: Components): Json {
  const schema = exported(body, components);
  if (!row.upload) return { 'application/json': { schema } };
  const { file: _file, ...properties } = (schema['properties'] ?? {}) as Record<string, Json>;
  const file = { description: 'The file itself', contentMediaType: 'application/octet-stream' };
  return {
    'application/json': { schema: { ...schema, properties } },
    'multipart/form-data': { schema: { ...schema, properties: { ...properties, file } } },
  };
}

const DESCRIPTIONS: Record<number, string> = {
  200: 'Done',
  201: 'Created',
  202: 'Accepted: stored, and done in the background',
  204: 'Done; nothing to say',
  206: 'A part of it',
  503: 'Not at the moment',
};

const propertiesOf = (schema: Joi.Schema | undefined): Record<string, unknown> =>
  (schema?.describe() as { keys?: Record<string, unknown> } | undefined)?.keys ?? {};

const refusal = (status: number, codes: ProblemCode[]): Json => ({
  description: codes.map((code) => `\`${code}\`: ${catalogue[code].title}`).join(' · '),
  headers: {
    'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' },
    ...([409, 429, 503].includes(status)
      ? { 'Retry-After': { $ref: '#/components/headers/Retry-After' } }
      : {}),
  },
  content: {
    'application/problem+json': {
      schema: {
        allOf: [
          { $ref: '#/components/schemas/Problem' },
          { type: 'object', properties: { code: { enum: codes } } },
        ],
      },
    },
  },
});

/** A status that both succeeds and fails (`/health` at 503) says so in two media types. */
function responses(row: Endpoint, components: Components): Json {
  const all: Record<string, Json> = {};
  for (const [status, schema] of Object.entries(row.output)) {
    all[status] = success(row, Number(status), schema, components);
  }
  const codes = problemsOf(row);
  for (const status of new Set(codes.map((code) => catalogue[code].status))) {
    const refused = refusal(
      status,
      codes.filter((code) => catalogue[code].status === status),
    );
    const known = all[status];
    all[status] = known
      ? { ...known, content: { ...(known['content'] as Json), ...(refused['content'] as Json) } }
      : refused;
  }
  return all;
}

function operation(row: Endpoint, components: Components): Json {
  const scope = scopeOf(row);
  const asked = parameters(row, components);
  const body = hasBody(row) ? row.input.body : undefined;
  const needs =
    row.access === 'session' ? 'a user who has signed in, not a key' : scope && `the scope \`${scope}\``;
  const description = [row.description, needs && `Needs ${needs}.`].filter(Boolean).join('\n\n');
  return {
    tags: [row.tag],
    operationId: operationIdOf(row),
    summary: row.summary,
    ...(description ? { description } : {}),
    security: needsCaller(row) ? [{ bearer: [] }, { apiKey: [] }] : [],
    ...(asked.length > 0 ? { parameters: asked } : {}),
    ...(body
      ? {
          requestBody: {
            required: true,
            content: bodyContent(row, body, components),
          },
        }
      : {}),
    responses: responses(row, components),
  };
}

/** Of Standard Webhooks. */
const SIGNED = [
  ['webhook-id', "The event's id, the same on every try"],
  ['webhook-timestamp', 'Seconds, of this try'],
  [
    'webhook-signature',
    '`v1,` and HMAC-SHA-256 of id, timestamp and body, in base64; one for each live secret',
  ],
] as const;

const announced = ({ name, summary, schema }: Announcement, components: Components): Json => ({
  post: {
    tags: ['Events'],
    operationId: `on${name.replace(/(?:^|\.)([a-z])/g, (_all, letter: string) => letter.toUpperCase())}`,
    summary,
    // Whoever receives it checks the signature.
    security: [],
    parameters: SIGNED.map(([header, description]) => ({
      name: header,
      in: 'header',
      required: true,
      description,
      schema: { type: 'string' },
    })),
    requestBody: {
      required: true,
      content: { 'application/json': { schema: exported(schema, components) } },
    },
    responses: {
      '2XX': { description: 'Received. Anything else is tried again later' },
      '410': { description: 'Nobody listens here any more' },
    },
  },
});

/** OpenAPI 3.1 of the rows. Shapes with a joi `.id()` become components; one name for two shapes throws. */
export function openapi(endpoints: readonly Endpoint[], about: About): Json {
  const components = emptyComponents();
  const paths: Record<string, Json> = {};
  for (const row of endpoints) {
    const path = (paths[templated(row.path)] ??= {});
    path[row.method] = operation(row, components);
  }
  const webhooks = (about.announcements ?? []).map((one) => [one.name, announced(one, components)] as const);
  const servers = ['/', ...(about.serverUrl ? [about.serverUrl] : [])];
  return {
    openapi: '3.1.0',
    info: {
      title: 'WhatsApp gateway',
      version: about.version,
      description: 'Many users, many phones, one API. `/api/v1` is another name of `/api`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: servers.map((url) => ({ url })),
    tags: [...new Set(endpoints.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    ...(webhooks.length > 0 ? { webhooks: Object.fromEntries(webhooks) } : {}),
    components: {
      securitySchemes: SCHEMES,
      headers: HEADERS,
      schemas: {
        ...Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
        Problem: PROBLEM,
        FieldError: FIELD_ERROR,
      },
    },
  };
}
