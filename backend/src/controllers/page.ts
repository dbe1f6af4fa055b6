import type { Response } from 'express';
import { Problem } from '../utils/problem.js';

export interface IdempotencyHeaders {
  'idempotency-key'?: string;
}
export interface PageQuery {
  limit: number;
  offset: number;
  cursor?: string;
}

/** Cursors are opaque to callers: base64url of the id that the page ended with. */
const encode = (id: number): string => Buffer.from(`c${id}`).toString('base64url');

/** The id in a cursor; undefined without one. Problem invalid_request when it is not one of ours. */
export function readCursor(query: PageQuery): number | undefined {
  if (query.cursor === undefined) return undefined;
  const [, id] = /^c(\d{1,15})$/.exec(Buffer.from(query.cursor, 'base64url').toString()) ?? [];
  if (!id) {
    const detail = 'cursor is not one that a list has answered with';
    throw new Problem('invalid_request', detail, {
      errors: [{ pointer: '/query/cursor', code: 'cursor', detail }],
    });
  }
  return Number(id);
}

/** Writes a page: `{ data, hasMore, nextCursor }`, and a `Link` header to the next one. */
export function sendPage(res: Response, page: { data: { id: number }[]; hasMore: boolean }): void {
  const last = page.data.at(-1);
  const nextCursor = page.hasMore && last ? encode(last.id) : null;
  if (nextCursor) {
    const next = new URL(res.req.originalUrl, 'http://same.origin');
    next.searchParams.delete('offset');
    next.searchParams.set('cursor', nextCursor);
    res.setHeader('Link', `<${next.pathname}${next.search}>; rel="next"`);
  }
  res.json({ data: page.data, hasMore: page.hasMore, nextCursor });
}
