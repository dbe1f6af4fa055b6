import type { RequestHandler, Response } from 'express';
import type { Endpoint, Req } from '../utils/endpoint.js';

export interface AuditLine {
  userId: number;
  actorId: number | null;
  credential: string | null;
  action: string;
  target: string | null;
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

/** Whose doing it was: the caller's, or of who has just registered or signed in. */
function userOf(req: Req, body: Record<string, unknown>): number | null {
  const caller = req.caller as Req['caller'] | undefined;
  const user = body['user'] as { id?: unknown } | undefined;
  return caller?.userId ?? (typeof user?.id === 'number' ? user.id : null);
}

function lineOf(req: Req, res: Response, body: Record<string, unknown>): AuditLine | null {
  const userId = userOf(req, body);
  if (userId === null || !req.endpoint) return null;
  const params = (req.input as { params?: Record<string, unknown> } | undefined)?.params;
  return {
    userId,
    actorId: userId,
    credential: (req.caller as Req['caller'] | undefined)?.credentialId ?? null,
    action: `${req.endpoint.method.toUpperCase()} ${req.endpoint.path}`,
    target: idOf(params?.['id'] ?? body['id']),
    status: res.statusCode,
    ip: req.ip ?? null,
    requestId: req.requestId,
  };
}

/** Keeps who did what, once it was answered; a refusal changes nothing and is not kept. */
export function audit(row: Endpoint, { append, onError }: Auditor): RequestHandler[] {
  if (!isAudited(row)) return [];
  return [
    (req, res, next) => {
      let said: Record<string, unknown> = {};
      const { json } = res;
      res.json = (body: unknown) => {
        said = (body ?? {}) as Record<string, unknown>;
        return json.call(res, body);
      };
      res.once('finish', () => {
        const line = res.statusCode < 300 ? lineOf(req as Req, res, said) : null;
        if (line) append(line).catch(onError);
      });
      next();
    },
  ];
}
