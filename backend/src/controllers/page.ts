import type { Response } from 'express';
import type { Allowance } from '../services/message.js';
import { secondsLeftToday } from '../utils/day.js';
import type { Req } from '../utils/endpoint.js';
import type { Place } from '../utils/place.js';
import { Problem } from '../utils/problem.js';

export interface IdempotencyHeaders {
  'idempotency-key'?: string;
}
/**
 * A request's Idempotency-Key. Callers who are limited to the same phones share theirs with each other and with nobody
 * else: what is told again under a key was told to such a caller before.
 */
export function idempotencyKey({
  caller,
  input,
}: Pick<Req<{ headers: IdempotencyHeaders }>, 'caller' | 'input'>) {
  const key = input.headers['idempotency-key'] ?? null;
  return key !== null && caller.phoneIds
    ? `${[...caller.phoneIds].sort((a, b) => a - b).join(',')} ${key}`
    : key;
}

/** What is left of a day's messages, beside the limits of requests (draft-ietf-httpapi-ratelimit-headers-08). */
export function sendAllowance(res: Response, allowance: Allowance | null): void {
  if (!allowance) return;
  const { limit, left } = allowance;
  res.append('RateLimit-Policy', `"messages-per-day"; q=${limit}; w=86400`);
  res.append('RateLimit', `"messages-per-day"; r=${left}; t=${secondsLeftToday()}`);
}

export interface PageQuery {
  limit: number;
  offset: number;
  cursor?: string;
}

/** Cursors are opaque to callers: base64url of where the page ended. */
const encode = (place: string): string => Buffer.from(place).toString('base64url');
const text = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();

function refuse(): never {
  const detail = 'cursor is not one that this list has answered with';
  throw new Problem('invalid_request', detail, {
    errors: [{ pointer: '/query/cursor', code: 'cursor', detail }],
  });
}

/** The id in a cursor; undefined without one. Problem invalid_request when it is not one of ours. */
export function readCursor(query: PageQuery): number | undefined {
  if (query.cursor === undefined) return undefined;
  const [, id] = /^c(\d{1,15})$/.exec(text(query.cursor)) ?? [];
  return id ? Number(id) : refuse();
}

/** The place in a cursor of a list that goes by time; the same Problem. */
export function readPlace(query: PageQuery): Place | undefined {
  if (query.cursor === undefined) return undefined;
  const [, at, id] = /^t(\d{1,16})\.(\d{1,15})$/.exec(text(query.cursor)) ?? [];
  return at && id ? { at: Number(at), id: Number(id) } : refuse();
}

/** The name in a cursor of a list that goes by names; the same Problem. */
export function readName(query: PageQuery): string | undefined {
  if (query.cursor === undefined) return undefined;
  const [, name] = /^n([\x21-\x7e]{1,70})$/.exec(text(query.cursor)) ?? [];
  return name ?? refuse();
}

/** Writes a page of a list that goes by ids: `{ data, hasMore, nextCursor }`, and a `Link` header to the next one. */
export function sendPage(res: Response, page: { data: { id: number }[]; hasMore: boolean }): void {
  const last = page.data.at(-1);
  send(res, page.data, page.hasMore && last ? encode(`c${last.id}`) : null);
}

/** The same of a list that goes by time. */
export function sendPlacedPage(res: Response, page: { data: unknown[]; next: Place | null }): void {
  send(res, page.data, page.next && encode(`t${page.next.at}.${page.next.id}`));
}

/** The same of a list that goes by names. */
export function sendNamedPage<T>(
  res: Response,
  page: { data: T[]; hasMore: boolean },
  nameOf: (one: T) => string,
): void {
  const last = page.data.at(-1);
  send(res, page.data, page.hasMore && last ? encode(`n${nameOf(last)}`) : null);
}

function send(res: Response, data: unknown[], nextCursor: string | null): void {
  if (nextCursor) {
    const next = new URL(res.req.originalUrl, 'http://same.origin');
    next.searchParams.delete('offset');
    next.searchParams.set('cursor', nextCursor);
    res.setHeader('Link', `<${next.pathname}${next.search}>; rel="next"`);
  }
  res.json({ data, hasMore: nextCursor !== null, nextCursor });
}
