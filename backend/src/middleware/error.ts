import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { catalogue, Problem, problemHead, type ProblemCode } from '../utils/problem.js';
import type { Endpoint, Req } from '../utils/endpoint.js';
import type { AccessLog } from './context.js';

/** Errors of express and its body reader carry a status and a type; both are theirs, and documented by body-parser. */
interface HttpError {
  status?: unknown;
  type?: unknown;
}

const BY_STATUS: Record<number, ProblemCode> = {
  400: 'invalid_request',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
};

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof URIError) {
    const detail = 'The path is not well percent-encoded';
    return new Problem('invalid_request', detail, {
      errors: [{ pointer: '/path', code: 'encoding', detail }],
    });
  }
  const { status, type } = (error ?? {}) as HttpError;
  const isReading = typeof type === 'string';
  const code = isReading && typeof status === 'number' ? BY_STATUS[status] : undefined;
  return new Problem(code ?? 'internal', undefined, { cause: error });
}

/** The only writer of application/problem+json (RFC 9457). */
function write(req: Req, res: Response, problem: Problem): void {
  const { code, detail, more } = problem;
  const { status, remedy } = catalogue[code];
  if (more.retryAfter !== undefined) res.setHeader('Retry-After', Math.max(1, Math.ceil(more.retryAfter)));
  if (status === 401) res.setHeader('WWW-Authenticate', 'Bearer realm="api"');
  res.locals['problem'] = code;
  const body = {
    ...problemHead(code),
    detail: status === 500 ? remedy : (detail ?? remedy),
    requestId: req.requestId,
    ...(more.errors ? { errors: more.errors } : {}),
  };
  res.status(status).type('application/problem+json').send(JSON.stringify(body));
}

/**
 * Turns whatever was thrown into an answer. What is not a Problem becomes `internal`, logged once with its cause, of
 * which the caller sees nothing.
 */
export function errors(logger: AccessLog): ErrorRequestHandler {
  return (error: unknown, request, res, _next) => {
    const req = request as Req;
    const problem = asProblem(error);
    if (catalogue[problem.code].status >= 500) {
      const { requestId, method, endpoint } = req;
      const fields = {
        requestId,
        method,
        path: endpoint?.path,
        problem: problem.code,
        // One that we meant says it all.
        error: problem.cause ?? problem.detail,
      };
      logger.error('request failed', fields);
    }
    // Half an answer cannot be taken back; cutting the connection tells the caller that it is only half.
    if (res.headersSent) res.destroy();
    else write(req, res, problem);
  };
}

export const notFound: RequestHandler = (req) => {
  throw new Problem('not_found', `Nothing lives at ${req.path.slice(0, 200)}`);
};

/** For a path that is known by other methods: OPTIONS asks which (RFC 9110), and any other has to be told. */
export const methodNotAllowed =
  (rows: Pick<Endpoint, 'method'>[]): RequestHandler =>
  (req, res) => {
    const methods = rows.map(({ method }) => method.toUpperCase());
    if (methods.includes('GET')) methods.push('HEAD');
    res.setHeader('Allow', [...new Set([...methods, 'OPTIONS'])].join(', '));
    if (req.method === 'OPTIONS') return void res.status(204).end();
    throw new Problem('method_not_allowed', `This path does not take ${req.method}`);
  };
