import { createHmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { WebhookConfig } from '../config/env.js';
import type { Log } from '../utils/log.js';
import { sleep } from '../utils/time.js';

/** Real nodes give these up at once; everything else that is no 2xx is tried again. */
const FINAL = new Set([400, 401, 403, 404, 422]);

export interface Sending {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface Sender {
  /** Resolves with true once delivered, with false once given up; never rejects. */
  send(sending: Sending): Promise<boolean>;
  /** Forgets everything still to be tried, as a real node's end does. */
  stop(): void;
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A bearer token (HS256) that lasts ten minutes; made once per event, so it may expire before the last retry. */
export const bearer = (secret: string): string => {
  const iat = Math.floor(Date.now() / 1000);
  const unsigned = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ iat, exp: iat + 600, app: 'evolution', action: 'webhook' })}`;
  return `Bearer ${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
};

/** Pause before the next try: doubling, with jitter, never under the first delay, never over the longest. */
const pauseAfter = (attempt: number, { initialDelayMs, maxDelayMs, jitter }: WebhookConfig): number => {
  const base = Math.min(initialDelayMs * 2 ** (attempt - 1), maxDelayMs);
  return Math.max(initialDelayMs, base * (1 + (Math.random() * 2 - 1) * jitter));
};

const createPoster = (timeoutMs: number) => {
  const agents = {
    'http:': new http.Agent({ keepAlive: true, maxSockets: 256 }),
    'https:': new https.Agent({ keepAlive: true, maxSockets: 256 }),
  };
  const once = ({ url, headers, body }: Sending): Promise<number> =>
    new Promise((resolve, reject) => {
      const target = new URL(url);
      if (target.protocol !== 'http:' && target.protocol !== 'https:')
        throw new Error(`cannot post to ${url}`);
      const request = (target.protocol === 'http:' ? http : https).request(target, {
        method: 'POST',
        agent: agents[target.protocol],
        timeout: timeoutMs,
        headers: {
          accept: 'application/json, text/plain, */*',
          'content-type': 'application/json',
          'user-agent': 'axios/1.12.2',
          'accept-encoding': 'gzip, compress, deflate, br',
          ...headers,
          'content-length': Buffer.byteLength(body),
        },
      });
      request.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      request.on('error', reject);
      request.end(body);
    });
  /** A kept connection that the receiver closed meanwhile says nothing about the receiver: once more on a new one. */
  const post = async (sending: Sending): Promise<number> => {
    try {
      return await once(sending);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ECONNRESET') throw error;
      return once(sending);
    }
  };
  const close = () => Object.values(agents).forEach((agent) => agent.destroy());
  return { post, close };
};

/** Posts webhooks as real nodes do: unordered, retried from memory. */
export const createSender = ({ config, log }: { config: WebhookConfig; log: Log }): Sender => {
  const { post, close } = createPoster(config.timeoutMs);
  let stopped = false;

  const attempt = async (sending: Sending, tries: number): Promise<boolean> => {
    const status = await post(sending).catch((error: unknown) => {
      if (tries === 1) log('warn', 'webhook.failed', { url: sending.url, error });
      return 0;
    });
    if (status >= 200 && status < 300) return true;
    if (FINAL.has(status) || tries >= config.maxAttempts || stopped) {
      log('warn', 'webhook.dropped', { url: sending.url, status, tries });
      return false;
    }
    await sleep(pauseAfter(tries, config));
    return stopped ? false : attempt(sending, tries + 1);
  };
  return {
    send: (sending) => attempt(sending, 1),
    stop: () => {
      stopped = true;
      close();
    },
  };
};
