import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Endpoint, Req } from '../utils/endpoint.js';
import { plainAddress } from '../utils/network.js';

/** What the frame asks of a log. */
export interface AccessLog {
  info(event: string, fields: Record<string, unknown>): void;
  error(event: string, fields: Record<string, unknown>): void;
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Gives the request its id (the caller's `X-Request-Id` when it is a plain one), echoes it, and writes one wide line
 * when the answer has ended or its connection has. The path is the row's pattern; queries and bodies are never logged.
 */
export function context(logger: AccessLog): RequestHandler {
  return (request, res, next) => {
    const req = request as Req;
    const started = performance.now();
    // Everybody who asks for it from here on finds an address or nothing, however a proxy wrote it.
    Object.defineProperty(req, 'ip', { value: plainAddress(req.ip) });
    const proposed = req.get('x-request-id') ?? '';
    req.requestId = REQUEST_ID.test(proposed) ? proposed : randomUUID();
    res.setHeader('X-Request-Id', req.requestId);
    res.setHeader('Cache-Control', 'no-store');
    res.once('close', () => {
      const { requestId, method, ip, endpoint } = req;
      logger.info('request', {
        requestId,
        method,
        path: endpoint?.path ?? req.originalUrl.split('?', 1)[0]?.slice(0, 200),
        status: res.statusCode,
        ms: Math.round((performance.now() - started) * 10) / 10,
        ip,
        userId: (req.caller as Req['caller'] | undefined)?.userId,
        via: (req.caller as Req['caller'] | undefined)?.via,
        problem: res.locals['problem'] as string | undefined,
        aborted: res.writableFinished ? undefined : true,
      });
    });
    next();
  };
}

/** Notes which row answers, for the log line and whoever watches. */
export const matched =
  (row: Endpoint): RequestHandler =>
  (req, _res, next) => {
    (req as Req).endpoint = row;
    next();
  };
