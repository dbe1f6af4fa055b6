import type { Request, Response } from 'express';
import type Joi from 'joi';
import type { ProblemCode } from './problem.js';

/**
 * public: anyone · user: any credential · session: who has signed in, and no key · `x:read`/`x:write`: a credential with that
 * scope · node: the inbound listener.
 */
export type Access = 'public' | 'user' | 'session' | 'node' | 'admin' | `${string}:${'read' | 'write'}`;
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
/** A limit of its own beside the general one; `none` is not counted at all. */
export type Limit = 'auth' | 'send' | 'none';

/** What a handler finds on `req.input`; header names are lower case. A part that is named here needs a schema. */
export interface Input {
  params?: unknown;
  query?: unknown;
  body?: unknown;
  headers?: unknown;
}
type Part = keyof Input;

/** Who asks. `scopes: 'all'` is every scope but `admin`. */
export interface Caller {
  userId: number;
  scopes: readonly string[] | 'all';
  /** Of a user who is an admin, by signing in or by a key that says `admin`. */
  isAdmin: boolean;
  via: 'key' | 'jwt';
  /** The key's id, or the session's; two requests of one credential have the same. */
  credentialId: string;
  /** CIDRs from which the credential may be used; null: from anywhere. */
  allowedIps: readonly string[] | null;
  /** The phones that the credential is limited to; null: all of its user's. */
  phoneIds: readonly number[] | null;
  /** Messages of its user in a day; undefined: as the settings say, 0: as many as they like. */
  messagesPerDay: number | undefined;
}

/** The request as a handler sees it. Express 5 makes `req.query` getter-only, so parsed input is on `req.input`. */
export interface Req<I extends Input = Input> extends Request {
  input: I;
  /** Absent on rows whose access is public or node; reading it there is a mistake. */
  caller: Caller;
  requestId: string;
  /** Whose accounts it changes, where a handler says so: not the caller's, or there is no caller. */
  affects?: readonly number[];
  /** The row that answers; absent while none is matched. */
  endpoint?: Endpoint;
}

type Schemas<I extends Input> = { [P in keyof I as P & Part]: Joi.ObjectSchema<I[P]> } & {
  [P in Exclude<Part, keyof I>]?: Joi.ObjectSchema;
};

interface Row<I extends Input> {
  method: Method;
  /** `/api/phones/:id` style; `/api/v1/…` answers too. */
  path: `/${string}`;
  access: Access;
  limit?: Limit;
  /** Bytes of a JSON body, where it may be larger than others. */
  bodyLimit?: number;
  /** Also takes a multipart form with a file in the field `file`. */
  upload?: true;
  /** Also opens to whoever has a signed link (`?expires&signature`), which its handler verifies. */
  isLinked?: true;
  tag: string;
  /** One line; also the source of nothing else, so it may be reworded. */
  summary: string;
  description?: string;
  /** Stable name in client code; made from method and path when absent. */
  operationId?: string;
  /**
   * The answer's schema for each status; null is an answer without a body, a binary schema a file: of any type, or of the
   * one that it names (`.meta({ mediaType: 'text/html' })`).
   */
  output: Record<number, Joi.Schema | null>;
  /** Beyond those that `problemsOf` adds for every row of its kind. */
  problems: ProblemCode[];
  handler(req: Req<I>, res: Response): Promise<void> | void;
}

export interface EndpointRow<I extends Input> extends Row<I> {
  /**
   * Bodies are not converted (`"1"` is no number, and `.trim()` checks instead of trimming; a field may ask for
   * conversion with `.prefs({ convert: true })`); params, query and headers are text, so they are.
   */
  input: Schemas<I>;
}

/** One row of the API table: read by the router, the documents, the limits, the conformance and isolation tests. */
export interface Endpoint extends Row<Input> {
  input: { [P in Part]?: Joi.ObjectSchema };
}

/** Checks a row against the type of its input, and forgets that type. */
export function endpoint<I extends Input = Input>(row: EndpointRow<I>): Endpoint {
  return row;
}

export const needsCaller = ({ access }: Pick<Endpoint, 'access'>): boolean =>
  access !== 'public' && access !== 'node';

/** The scope an endpoint asks for beyond being signed in, or null. */
export const scopeOf = ({ access }: Pick<Endpoint, 'access'>): string | null =>
  access === 'admin' || access.includes(':') ? access : null;

/** Whether somebody has signed in, rather than a program that was given a key, or a token made of one. */
export const isSignedIn = ({ credentialId }: Pick<Caller, 'credentialId'>): boolean =>
  credentialId.startsWith('ses_');

/** Whether an answer is a file rather than JSON. */
export const isFile = (schema: Joi.Schema | null | undefined): boolean => schema?.type === 'binary';

/** Of a file: the media type that its row names, or the range of all. */
export function mediaTypeOf(file: Joi.Schema): string {
  const { metas = [] } = file.describe() as { metas?: { mediaType?: string }[] };
  return metas.find(({ mediaType }) => mediaType)?.mediaType ?? '*/*';
}

/** A row of a method that carries content, and has no say about it, takes an empty object or nothing. */
export const hasBody = ({ method, input }: Pick<Endpoint, 'method' | 'input'>): boolean =>
  method === 'post' ||
  method === 'put' ||
  method === 'patch' ||
  (method === 'delete' && input.body !== undefined);

/** Every Problem that a row can answer: its own, and those of the frame around it; sorted, each once. */
export function problemsOf(row: Endpoint): ProblemCode[] {
  const frame: ProblemCode[] = ['internal', 'unavailable', 'invalid_request'];
  if (hasBody(row)) frame.push('invalid_json', 'payload_too_large', 'unsupported_media_type');
  if (row.access !== 'public') frame.push('unauthenticated');
  if (scopeOf(row) || row.access === 'session') frame.push('forbidden');
  if (row.limit !== 'none' && row.access !== 'node') frame.push('too_many_requests');
  return [...new Set([...frame, ...row.problems])].sort();
}
