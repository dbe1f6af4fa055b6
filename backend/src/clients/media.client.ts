import type { Readable } from 'node:stream';
import axios, { type AxiosInstance } from 'axios';
import { networksOf, type Networks } from './address.js';
import { ConnectFailure, guardedAgents, type Lookup } from './webhook.connect.js';
import { judgeUrl } from './webhook.url.js';

export type Download =
  | { ok: true; stream: Readable; mimetype: string | null; fileName: string | null; size: number | null }
  /** `isFinal`: another try would end the same. `detail` may be shown to the tenant. */
  | { ok: false; isFinal: boolean; detail: string };

export interface MediaClientOptions {
  /** CIDRs that may be called though they are not public. */
  allowedPrivateNetworks: readonly string[];
  /** For the whole of it, redirects and bytes included. */
  timeoutMs: number;
  /** Between two pieces. */
  idleMs: number;
  lookup?: Lookup;
  ca?: string;
}

const MAX_REDIRECTS = 3;
const REDIRECTS = [301, 302, 303, 307, 308];
/** Answers that time may change: too early, too many, and the server's own faults. */
const PASSING = [408, 425, 429];

const failed = (detail: string, isFinal: boolean): Download => ({ ok: false, isFinal, detail });

function failureOf(error: unknown, trip: Trip): Download {
  const reason = trip.reason();
  if (reason !== null) return failed(reason, false);
  const { cause, code, message } = error as { cause?: unknown; code?: string; message?: string };
  const source = error instanceof ConnectFailure ? error : cause;
  if (source instanceof ConnectFailure) return failed(source.message, source.errorClass === 'blocked');
  return failed(`The download broke: ${code ?? message ?? 'unknown'}`.slice(0, 200), false);
}

/** The last part of the path is all that is believed; headers name files as they like. */
function nameIn(url: URL): string | null {
  const last = url.pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last) || null;
  } catch {
    return last || null;
  }
}

/** The limits of one download: its clocks, and whoever wants it to end. `over` lets go of all of them. */
function createTrip(o: { timeoutMs: number; answerMs: number }, stop: AbortSignal) {
  const request = new AbortController();
  let body: Readable | null = null;
  let reason: string | null = null;
  const end = (why: string) => {
    reason ??= why;
    if (body) body.destroy(new Error(why));
    else request.abort();
  };
  const stopped = () => end('The gateway stops');
  stop.addEventListener('abort', stopped, { once: true });
  const total = setTimeout(() => end(`It took more than ${o.timeoutMs} ms`), o.timeoutMs);
  const answer = setTimeout(() => end(`No answer within ${o.answerMs} ms`), o.answerMs);
  if (stop.aborted) stopped();
  return {
    signal: request.signal,
    reason: () => reason,
    end,
    /** From here on the body is what ends. */
    answered(stream: Readable): void {
      clearTimeout(answer);
      body = stream;
    },
    over(): void {
      clearTimeout(total);
      clearTimeout(answer);
      stop.removeEventListener('abort', stopped);
    },
  };
}
type Trip = ReturnType<typeof createTrip>;

/** Ends the trip when the body stops coming, and lets go of it with the body. */
function watched(stream: Readable, trip: Trip, idleMs: number): Readable {
  const late = () => trip.end(`Nothing came for ${idleMs} ms`);
  let idle = setTimeout(late, idleMs);
  trip.answered(stream);
  stream.on('data', () => {
    clearTimeout(idle);
    idle = setTimeout(late, idleMs);
  });
  stream.pause();
  stream.once('close', () => {
    clearTimeout(idle);
    trip.over();
  });
  return stream;
}

/** Follows redirects one by one, so that each is judged like the first. */
async function ask(
  api: AxiosInstance,
  allowed: Networks,
  o: { url: string; signal: AbortSignal; left?: number },
) {
  const { url: text, signal, left = MAX_REDIRECTS } = o;
  const verdict = judgeUrl(text, allowed);
  if (!('url' in verdict)) return failed(`The URL is refused: ${verdict.reason}`, true);
  const { url } = verdict;
  const answer = await api.get<Readable>(url.href, { signal });
  const { status, headers } = answer;
  if (status >= 200 && status < 300 && status !== 206) return { url, answer };
  answer.data.destroy();
  if (!REDIRECTS.includes(status))
    return failed(`The link answers ${status}`, status < 500 && !PASSING.includes(status));
  if (left === 0) return failed(`The link redirects more than ${MAX_REDIRECTS} times`, true);
  const next = String(headers['location'] ?? '').replace(/#.*$/, '');
  if (!URL.canParse(next, url.href)) return failed('The link redirects nowhere', true);
  return ask(api, allowed, { url: new URL(next, url.href).href, signal, left: left - 1 });
}

/** Fetches what tenants link to, through the same walls as their webhooks. */
export function mediaClient(o: MediaClientOptions) {
  const allowed = networksOf(o.allowedPrivateNetworks);
  const connect = { allowed, timeoutMs: Math.min(o.timeoutMs, 15_000), lookup: o.lookup, ca: o.ca };
  const { close, ...agents } = guardedAgents(connect);
  const api = axios.create({
    ...agents,
    proxy: false,
    maxRedirects: 0,
    decompress: false,
    responseType: 'stream',
    validateStatus: () => true,
    headers: { 'accept-encoding': 'identity', 'user-agent': 'evolution-gateway' },
  });

  async function attempt(link: string, trip: Trip): Promise<Download> {
    const found = await ask(api, allowed, { url: link, signal: trip.signal });
    if ('ok' in found) return found;
    const { headers, data } = found.answer;
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
      data.destroy();
      return failed('The link answers with compressed bytes, which were not asked for', true);
    }
    const size = Number(headers['content-length'] ?? NaN);
    return {
      ok: true,
      stream: watched(data, trip, o.idleMs),
      mimetype: String(headers['content-type'] ?? '') || null,
      fileName: nameIn(found.url),
      size: Number.isSafeInteger(size) ? size : null,
    };
  }

  return {
    /**
     * Never rejects. The stream errors when the bytes stop, break off or take too long in all, and when `stop` says so.
     */
    async fetch(link: string, stop: AbortSignal): Promise<Download> {
      const trip = createTrip({ timeoutMs: o.timeoutMs, answerMs: o.idleMs * (MAX_REDIRECTS + 1) }, stop);
      const download = await attempt(link, trip).catch((error: unknown) => failureOf(error, trip));
      if (!download.ok) trip.over();
      return download;
    },

    /** Ends every connection, those in use too. */
    close,
  };
}
export type MediaClient = ReturnType<typeof mediaClient>;
