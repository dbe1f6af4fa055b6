import express, { type Request, type RequestHandler } from 'express';
import { findHostile, isDeeperThan, mend } from '../utils/json.js';
import { Problem } from '../utils/problem.js';

/** Deeper than any shape of ours; recursion over a body is bounded by it. */
const MAX_DEPTH = 32;
/** A node's message quotes messages that quote messages. */
const MAX_NODE_DEPTH = 512;
const TEXT_KEPT = 2000;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Without a body there is nothing to be of the wrong kind. `transfer-encoding` means that one may come. */
const carriesBody = (req: Request): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;

function checkKind(req: Request): void {
  if (req.is('application/json') === false) {
    throw new Problem('unsupported_media_type', 'The body must be application/json');
  }
  const [, charset] = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(req.get('content-type') ?? '') ?? [];
  if (charset && !/^(utf-?8|us-ascii)$/i.test(charset)) {
    throw new Problem('unsupported_media_type', 'The body must be in UTF-8');
  }
}

function parse(bytes: Uint8Array): unknown {
  if (isDeeperThan(MAX_DEPTH, bytes)) {
    throw new Problem('invalid_json', `The body is nested more than ${MAX_DEPTH} levels deep`);
  }
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new Problem('invalid_json', undefined, { cause });
  }
  const hostile = findHostile(value);
  if (hostile) throw new Problem('invalid_request', hostile.detail, { errors: [hostile] });
  return value;
}

/** Compressed bodies are refused before a byte of them is unpacked, so that a bomb stays as small as it came. */
const read = (limit: number): RequestHandler => express.raw({ type: () => true, limit, inflate: false });

const take =
  (make: (bytes: Uint8Array) => unknown): RequestHandler =>
  (req, _res, next) => {
    if (Buffer.isBuffer(req.body)) req.body = req.body.length > 0 ? make(req.body) : undefined;
    next();
  };

/** What was read before is not read again. */
const unlessRead =
  (handler: RequestHandler): RequestHandler =>
  (req, res, next) =>
    req.body === undefined ? handler(req, res, next) : next();

/** Reads a JSON body of at most `limit` bytes onto `req.body`; undefined when there is none. A form is there already. */
export const jsonBody = (limit: number): RequestHandler[] => [
  unlessRead((req, _res, next) => {
    if (carriesBody(req)) checkKind(req);
    next();
  }),
  unlessRead(read(limit)),
  take(parse),
];

/**
 * Reads what a node posts. A node takes 400 as final and the fact would be lost, so nothing is refused for its content:
 * text that cannot be stored is mended, and what is no JSON arrives as `{ unreadable: <its beginning> }`.
 */
export const nodeBody = (limit: number): RequestHandler[] => [read(limit), take(parseLeniently)];

function parseLeniently(bytes: Uint8Array): unknown {
  const text = new TextDecoder().decode(bytes);
  const unreadable = () => ({ unreadable: mend(text.slice(0, TEXT_KEPT)) });
  if (isDeeperThan(MAX_NODE_DEPTH, bytes)) return unreadable();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return unreadable();
    return /\\u(0000|d[89a-f])/i.test(text) ? mend(value) : value;
  } catch {
    return unreadable();
  }
}
