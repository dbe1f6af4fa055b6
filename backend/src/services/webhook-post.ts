import type { WebhookAnswer } from '../clients/webhook.client.js';
import { signWebhook, type Sealer } from '../utils/crypto.js';
import type { Headers } from './webhook-header.js';

export interface WebhookPost {
  post(url: string, body: string, headers: Record<string, string>): Promise<WebhookAnswer>;
}

/** Under which context a user's webhook secrets and headers are sealed. */
export const sealedFor = (userId: number): string => `webhook:${userId}`;

/**
 * Posts a body, signed with every live secret (Standard Webhooks), with the owner's headers under our own. The one way to
 * reach an address on a tenant's word: tries and tests alike go through the walls of this client.
 */
export async function postSigned(
  client: WebhookPost,
  sealer: Pick<Sealer, 'open'>,
  to: {
    userId: number;
    url: string;
    /** Sealed, as are the next two. */
    secret: string;
    previousSecret: string | null;
    headers: string | null;
    eventId: string;
    body: string;
  },
): Promise<WebhookAnswer> {
  const open = (sealed: string) => sealer.open(sealed, sealedFor(to.userId));
  const secrets = [to.secret, ...(to.previousSecret === null ? [] : [to.previousSecret])].map(open);
  const timestamp = Math.floor(Date.now() / 1000);
  return client.post(to.url, to.body, {
    ...(to.headers === null ? {} : (JSON.parse(open(to.headers)) as Headers)),
    'content-type': 'application/json',
    'user-agent': 'Evolution-Gateway',
    'webhook-id': to.eventId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signWebhook(secrets, to.eventId, timestamp, to.body),
  });
}
