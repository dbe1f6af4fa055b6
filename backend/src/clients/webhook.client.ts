import type { Readable } from 'node:stream';
import axios, { type AxiosInstance, type AxiosResponse } from 'axios';
import { networksOf } from './address.js';
import { ConnectFailure, guardedAgents, type Lookup } from './webhook.connect.js';
import { judgeUrl } from './webhook.url.js';

export { checkHost, checkUrl } from './webhook.url.js';

/**
 * Why an Attempt failed. Nothing was sent: `blocked` by the walls, `dns`, `connect`, `tls`. Perhaps sent: `timeout`,
 * `reset`, `protocol` (no HTTP). Answered: `redirect` (3xx, never followed), `http` (any other status but 2xx).
 */
export type WebhookErrorClass =
  'blocked' | 'dns' | 'connect' | 'tls' | 'timeout' | 'reset' | 'protocol' | 'redirect' | 'http';

export interface WebhookAnswer {
  /** The status is 2xx, whatever the body. */
  ok: boolean;
  status: number | null;
  /** Cut at `maxAnswerBytes`; empty when compressed. */
  body: string;
  durationMs: number;
  errorClass: WebhookErrorClass | null;
  /** In English; may be shown to the tenant. */
  detail?: string;
  /** From Retry-After, at most 24 hours. */
  retryAfterMs: number | null;
}

export interface WebhookClientOptions {
  /** CIDRs that may be called though they are not public. */
  allowedPrivateNetworks: readonly string[];
  /** In total: name, connection, request, answer. */
  timeoutMs: number;
  maxAnswerBytes: number;
  lookup?: Lookup;
  /** PEM of an authority to trust instead of the usual ones. */
  ca?: string;
}

/** The status decides; the body is for the owner to read, and one that trickles in shall not keep a slot busy. */
const BODY_GRACE_MS = 2000;
const MAX_RETRY_AFTER_MS = 24 * 3600 * 1000;
/** Ours to set: they frame the request or choose whom it reaches. */
const FRAMING =
  /^(host|content-length|transfer-encoding|connection|keep-alive|expect|upgrade|te|trailer|proxy-.*)$/i;

/** Seconds or an HTTP date (RFC 9110, 10.2.3) → milliseconds from now; null when it is neither. */
function retryAfterOf(header: unknown): number | null {
  if (typeof header !== 'string') return null;
  const text = header.trim();
  const wait = /^\d{1,12}$/.test(text)
    ? Number(text) * 1000
    : /^[A-Z][a-z]{2,8}, /.test(text)
      ? Date.parse(text) - Date.now()
      : NaN;
  return Number.isNaN(wait) ? null : Math.min(Math.max(wait, 0), MAX_RETRY_AFTER_MS);
}

/** At most `limit` bytes within `graceMs`, then the connection is destroyed; whole answers leave it for reuse. */
async function readText(stream: Readable, limit: number, graceMs: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => stream.destroy(), graceMs);
  try {
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > limit) break;
    }
  } catch {
    // Broken off: what came is kept, and the status, which came before it, stands.
  } finally {
    clearTimeout(timer);
  }
  // `stream` drops the half of a character at the cut.
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, limit), { stream: true });
}

function failureOf(error: unknown): { errorClass: WebhookErrorClass; detail: string } {
  const { cause, code, message } = error as { cause?: unknown; code?: string; message?: string };
  const source = error instanceof ConnectFailure ? error : cause;
  if (source instanceof ConnectFailure) return { errorClass: source.errorClass, detail: source.message };
  if (code === 'ETIMEDOUT') return { errorClass: 'timeout', detail: 'The connection timed out' };
  const isBroken = code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED';
  if (isBroken) return { errorClass: 'reset', detail: `The connection broke before an answer: ${code}` };
  return {
    errorClass: 'protocol',
    detail: `No valid HTTP answer: ${code ?? message ?? 'unknown'}`.slice(0, 300),
  };
}

function verdictOf({ status, headers }: AxiosResponse): Pick<WebhookAnswer, 'ok' | 'errorClass' | 'detail'> {
  if (status >= 200 && status < 300) return { ok: true, errorClass: null };
  if (status < 300 || status >= 400) return { ok: false, errorClass: 'http' };
  const detail = `Redirects are not followed: ${String(headers['location'] ?? 'no Location')}`.slice(0, 300);
  return { ok: false, errorClass: 'redirect', detail };
}

type Outcome = Omit<WebhookAnswer, 'durationMs'>;
interface Request {
  url: URL;
  body: string;
  headers: Record<string, string>;
}

const unanswered = (errorClass: WebhookErrorClass, detail: string): Outcome => ({
  ok: false,
  status: null,
  body: '',
  errorClass,
  detail,
  retryAfterMs: null,
});

async function attempt(api: AxiosInstance, o: WebhookClientOptions, request: Request): Promise<Outcome> {
  const deadline = performance.now() + o.timeoutMs;
  const headers = Object.entries(request.headers).filter(([name]) => !FRAMING.test(name));
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), o.timeoutMs);
  try {
    const answer = await api.post<Readable>(request.url.href, Buffer.from(request.body), {
      headers: { ...Object.fromEntries(headers), 'accept-encoding': 'identity' },
      signal: abort.signal,
    });
    const graceMs = Math.min(BODY_GRACE_MS, deadline - performance.now());
    const text = await readText(answer.data, o.maxAnswerBytes, graceMs);
    const isPlain = (answer.headers['content-encoding'] ?? 'identity') === 'identity';
    const retryAfterMs = retryAfterOf(answer.headers['retry-after']);
    return { ...verdictOf(answer), status: answer.status, body: isPlain ? text : '', retryAfterMs };
  } catch (error) {
    if (abort.signal.aborted) return unanswered('timeout', `No answer within ${o.timeoutMs} ms`);
    const { errorClass, detail } = failureOf(error);
    return unanswered(errorClass, detail);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Posts to tenants' webhooks, and is the one way to connect on a tenant's word. Three walls against SSRF: the URL's host,
 * every address its name resolves to, and the address the socket is connected to; redirects and proxies are not followed.
 */
export function webhookClient(o: WebhookClientOptions) {
  const allowed = networksOf(o.allowedPrivateNetworks);
  const { close, ...agents } = guardedAgents({ allowed, timeoutMs: o.timeoutMs, lookup: o.lookup, ca: o.ca });
  const api = axios.create({
    ...agents,
    proxy: false,
    maxRedirects: 0,
    decompress: false,
    responseType: 'stream',
    validateStatus: () => true,
  });

  return {
    /** One Attempt: never rejects, never repeats. The bytes of `body` are sent as they are. */
    async post(url: string, body: string, headers: Record<string, string>): Promise<WebhookAnswer> {
      const started = performance.now();
      const verdict = judgeUrl(url, allowed);
      const outcome =
        'url' in verdict
          ? await attempt(api, o, { url: verdict.url, body, headers })
          : unanswered('blocked', `The URL is refused: ${verdict.reason}`);
      return { ...outcome, durationMs: Math.round(performance.now() - started) };
    },

    /** Ends every connection, those in use too. */
    close,
  };
}
