import type { Socket } from 'node:net';
import { webhookClient, type WebhookClientOptions } from '../../src/clients/webhook.client.js';
import { tcpPlace, type Place } from './place.js';

export const TIMEOUT_MS = 1000;
/** How much later than its limit an Attempt may end on a busy machine. */
export const SLACK_MS = 700;
export const MAX_ANSWER = 16 * 1024;

/** Does the work with a client that may call loopback, then ends both. */
export async function calling<P extends Place>(
  start: Promise<P>,
  work: (post: ReturnType<typeof webhookClient>['post'], place: P, url: string) => Promise<void>,
  more: Partial<WebhookClientOptions> = {},
): Promise<void> {
  const place = await start;
  const client = webhookClient({
    allowedPrivateNetworks: ['127.0.0.0/8'],
    timeoutMs: TIMEOUT_MS,
    maxAnswerBytes: MAX_ANSWER,
    ...more,
  });
  try {
    await work(client.post, place, `http://127.0.0.1:${place.port}/hook`);
  } finally {
    client.close();
    await place.stop();
  }
}

/** Answers each request with these raw bytes; goes on with `then`. */
export const raw = (head: string, then: (socket: Socket) => void = () => undefined) =>
  tcpPlace((socket) => {
    socket.once('data', () => {
      socket.write(head);
      then(socket);
    });
  });

export const dripping = (text: string) => (socket: Socket) => {
  const timer = setInterval(() => socket.write(text), 20);
  socket.once('close', () => clearInterval(timer));
};
