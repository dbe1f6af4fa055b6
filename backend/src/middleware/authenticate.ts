import type { Request, RequestHandler } from 'express';
import { isSignedIn, needsCaller, scopeOf, type Access, type Caller, type Req } from '../utils/endpoint.js';
import { isFromThere } from '../utils/network.js';
import { Problem } from '../utils/problem.js';
import { SCOPES_OF_PHONES } from '../utils/scope.js';

export interface Credentials {
  bearer?: string;
  apiKey?: string;
}

/** From what was presented to who presented it; null for anything that is no live credential, whatever is wrong. */
export type Identify = (credentials: Credentials) => Promise<Caller | null>;

/** Longer is no credential of ours, and need not be hashed to know it. */
const MAX_LENGTH = 4096;

/** Only from `Authorization: Bearer …` and `X-API-Key`; null when there are none, they contradict or make no sense. */
function presented(req: Request): Credentials | null {
  const authorization = req.get('authorization');
  const apiKey = req.get('x-api-key');
  const bearer = authorization === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (authorization !== undefined && bearer === undefined) return null;
  if (bearer !== undefined && apiKey !== undefined && bearer !== apiKey) return null;
  const text = bearer ?? apiKey;
  if (!text || text.length > MAX_LENGTH) return null;
  return { ...(bearer === undefined ? {} : { bearer }), ...(apiKey === undefined ? {} : { apiKey }) };
}

/** Finds out who asks, and refuses nobody yet: a failed try has to be counted by address before it is answered. */
export function identification(identify: Identify): RequestHandler {
  return async (req, _res, next) => {
    const credentials = presented(req);
    const caller = credentials && (await identify(credentials));
    if (caller && isFromThere(req.ip, caller.allowedIps)) (req as Req).caller = caller;
    next();
  };
}

/** `admin` is never among "all". */
const grants = ({ scopes, isAdmin }: Caller, scope: string): boolean =>
  scope === 'admin' ? isAdmin : scopes === 'all' || scopes.includes(scope);

/** Refuses who may not pass: unauthenticated with one and the same body for every reason, or forbidden. */
export function authorization(access: Access): RequestHandler {
  const scope = scopeOf({ access });
  return (request, _res, next) => {
    const caller = (request as Req).caller as Caller | undefined;
    if (needsCaller({ access }) && !caller) throw new Problem('unauthenticated');
    if (access === 'session' && caller && !isSignedIn(caller))
      throw new Problem('forbidden', 'Sign in for this: it is not for keys, nor for tokens made of them');
    if (!scope || !caller || grants(caller, scope)) return next();
    // One that was given every scope is not short of one.
    const isBeyond = caller.phoneIds !== null && !SCOPES_OF_PHONES.includes(scope);
    const limited = `This credential is limited to some phones, and ${scope} is about the whole account`;
    throw new Problem('forbidden', isBeyond ? limited : `This needs the scope ${scope}`);
  };
}

/** Identifies, lets `count` count, then refuses; nothing at all for rows without a caller. */
export const authenticate = (access: Access, identify: Identify, count: RequestHandler): RequestHandler[] =>
  needsCaller({ access }) ? [identification(identify), count, authorization(access)] : [count];

/** The same checks for whoever brings no signed link; one who does is counted, and the link itself is for the handler. */
export const unlessLinked = (checks: RequestHandler[], count: RequestHandler): RequestHandler[] =>
  checks.map((check) =>
    check === count
      ? check
      : (req, res, next) => (req.query['signature'] === undefined ? check(req, res, next) : next()),
  );
