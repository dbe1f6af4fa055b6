import type { Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, rateLimit, type Options, type Store } from 'express-rate-limit';
import { isSignedIn, type Caller, type Limit, type Req } from '../utils/endpoint.js';
import { Problem } from '../utils/problem.js';

export interface RateLimits {
  /** Seconds; the window of all but `send`, whose window is a minute. */
  window: number;
  /** Requests in a window from one address without a caller. */
  ip: number;
  /** Requests in a window of one user, and as many of all of their keys. */
  user: number;
  /** Failed tries in a window from one address for one name. */
  auth: number;
  /** Tries in a window from one address, whatever the name. */
  authIp: number;
  /**
   * Failed tries in a window for one name, from all addresses together where nobody of that name was before; and of one
   * user who has signed in.
   */
  account: number;
  /** Sends of one user in a minute. */
  send: number;
}

/** Makes the store of one limit; absent, each process counts for itself. A store that fails lets requests pass. */
export type StoreFactory = (name: string) => Store;

/** Whether whoever has this e-mail address was signed in from there before. */
export type IsKnownPlace = (email: string, ip: string) => Promise<boolean>;

const MINUTE = 60;

/** An IPv6 customer owns a whole network, so addresses are counted by /56. */
const byAddress = (req: Request): string => (req.ip ? ipKeyGenerator(req.ip) : 'unknown');

const caller = (req: Request): Caller | undefined => (req as Req).caller as Caller | undefined;

/** Keys have a count of their own: whoever found one cannot keep its user, who signs in, from revoking it. */
const byCaller = (req: Request): string => {
  const known = caller(req);
  if (!known) return `ip:${byAddress(req)}`;
  return isSignedIn(known) ? `user:${known.userId}` : `keys:${known.userId}`;
};

const bodyOf = (req: Request) => ((req as Req).input?.body ?? {}) as Record<string, unknown>;
/** Whose account is guessed at: who has signed in guesses at their own, whatever address they write. Null: nobody's. */
const nameOf = (req: Request): string | null => {
  const known = caller(req);
  if (known) return `user:${known.userId}`;
  const name = bodyOf(req)['email'] ?? bodyOf(req)['username'];
  return typeof name === 'string' ? name.toLowerCase() : null;
};
/** What is presented instead of a name (a key, a link, a refresh token) is too long to be guessed. */
const isNameless = (req: Request): boolean => nameOf(req) === null;

/** Guessing at one account is slowed without locking out its owner, who asks from elsewhere. */
const byName = (req: Request): string => `${byAddress(req)}|${nameOf(req)}`;

/** `Retry-After` is there already, beside the other headers of the limit. */
const refuse: Options['handler'] = (_req, _res, next) => next(new Problem('too_many_requests'));

/** A refusal that is not the caller's guess going wrong is no failed try. */
const isNoGuess = (_req: Request, res: Response): boolean => res.statusCode < 400 || res.statusCode >= 500;

/** The limits that rows name, and `general`, which counts all of them; the handlers of one limit share its counts. */
export function createLimits(limits: RateLimits, store?: StoreFactory, isKnownPlace?: IsKnownPlace) {
  const make = (
    name: string,
    options: Partial<Options> & Pick<Options, 'limit' | 'keyGenerator'>,
  ): RequestHandler =>
    rateLimit({
      windowMs: limits.window * 1000,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      identifier: name,
      handler: refuse,
      passOnStoreError: true,
      // Which proxies are believed is configured, so a forwarded address from elsewhere is no news.
      validate: { xForwardedForHeader: false, forwardedHeader: false, trustProxy: false, ip: false },
      ...(store ? { store: store(name) } : {}),
      ...options,
    });

  const general = make('general', {
    limit: (req) => (caller(req) ? limits.user : limits.ip),
    keyGenerator: byCaller,
  });
  /** Guesses that come from everywhere meet this. Its owner does not: where they were signed in before, it does not hold. */
  const isOwner = async (req: Request): Promise<boolean> => {
    if (caller(req)) return false;
    const { email } = bodyOf(req);
    if (typeof email !== 'string' || !req.ip) return true;
    return (await isKnownPlace?.(email, req.ip).catch(() => false)) ?? true;
  };
  const own: Record<Limit, RequestHandler[]> = {
    none: [],
    auth: [
      make('auth-address', { limit: limits.authIp, keyGenerator: byAddress }),
      make('auth-name', {
        limit: limits.auth,
        keyGenerator: byName,
        skip: isNameless,
        skipSuccessfulRequests: true,
        requestWasSuccessful: isNoGuess,
      }),
      make('auth-account', {
        limit: limits.account,
        // What was guessed at one door closes no other: whoever is kept from signing in can still ask for a mail.
        keyGenerator: (req) => `${(req as Req).endpoint?.path} ${nameOf(req)}`,
        skip: isOwner,
        skipSuccessfulRequests: true,
        requestWasSuccessful: isNoGuess,
      }),
    ],
    send: [make('send', { windowMs: MINUTE * 1000, limit: limits.send, keyGenerator: byCaller })],
  };
  return { general, own };
}
export type Limits = ReturnType<typeof createLimits>;
