import type { RequestHandler, Response } from 'express';
import type { Endpoint, Req } from '../utils/endpoint.js';

export interface AuditLine {
  userId: number;
  actorId: number | null;
  credential: string | null;
  action: string;
  target: string | null;
  fields: string[];
  status: number;
  ip: string | null;
  requestId: string | null;
}
export interface Auditor {
  append(line: AuditLine): Promise<void>;
  onError(error: unknown): void;
}

/** What is said and sent is in its own lists; who changed accounts, keys, phones, webhooks and nodes is here. */
const UNAUDITED = new Set(['Messages', 'Media', 'Contacts', 'Groups', 'Events', 'Service', 'Inside']);

/** Whether what a row does is kept. */
export const isAudited = ({ method, tag, access }: Pick<Endpoint, 'method' | 'tag' | 'access'>): boolean =>
  method !== 'get' && access !== 'node' && !UNAUDITED.has(tag);

const idOf = (value: unknown): string | null =>
  typeof value === 'number' || typeof value === 'string' ? String(value) : null;

/** Whose doing it was: the caller's, or of who has just registered or signed in, or was sent a link by mail. */
function actorOf(req: Req, body: Record<string, unknown>): number | null {
  const caller = req.caller as Req['caller'] | undefined;
  const user = body['user'] as { id?: unknown } | undefined;
  return caller?.userId ?? (typeof user?.id === 'number' ? user.id : (req.affects?.[0] ?? null));
}

/** One for each user whose account it changed: that is in their view, whoever did it. */
function linesOf(req: Req, res: Response, body: Record<string, unknown>): AuditLine[] {
  const actorId = actorOf(req, body);
  if (actorId === null || !req.endpoint) return [];
  const { params, body: given } = (req.input ?? {}) as Record<'params' | 'body', object | undefined>;
  const line = {
    actorId,
    credential: (req.caller as Req['caller'] | undefined)?.credentialId ?? null,
    action: `${req.endpoint.method.toUpperCase()} ${req.endpoint.path}`,
    target: idOf((params as { id?: unknown } | undefined)?.id ?? body['id']),
    // Not those that have only their defaults.
    fields: Object.keys(given ?? {}).filter((name) => name in ((req.body ?? {}) as object)),
    status: res.statusCode,
    ip: req.ip ?? null,
    requestId: req.requestId,
  };
  return [...new Set(req.affects ?? [actorId])].map((userId) => ({ ...line, userId }));
}

/** A refusal changes nothing, nor does an answer that was given before. */
const isChange = (res: Response): boolean =>
  res.statusCode < 300 && res.getHeader('Idempotent-Replayed') === undefined;

/**
 * Keeps who did what before it is answered: what somebody was told is done is in the audit, whatever becomes of the process.
 * Where it cannot be kept, what was done is answered all the same.
 */
export function audit(row: Endpoint, { append, onError }: Auditor): RequestHandler[] {
  if (!isAudited(row)) return [];
  return [
    (req, res, next) => {
      let said: Record<string, unknown> = {};
      const { json, end } = res;
      res.json = (body: unknown) => {
        said = (body ?? {}) as Record<string, unknown>;
        return json.call(res, body);
      };
      res.end = ((...args: Parameters<Response['end']>) => {
        res.end = end;
        const lines = isChange(res) ? linesOf(req as Req, res, said) : [];
        void Promise.all(lines.map(append))
          .catch(onError)
          .finally(() => res.end(...args));
        return res;
      }) as Response['end'];
      next();
    },
  ];
}
