import type { Config } from '../config/env.js';
import type { Faults } from '../faults/faults.js';
import type { WebhookRow, Webhooks } from '../store/webhooks.js';
import type { Log } from '../utils/log.js';
import { sleep } from '../utils/time.js';
import { eventPath, subscriptionName } from './events.js';
import { bearer, type Sender } from './sender.js';

/** Whose webhook it is. */
export interface Source {
  readonly id: string;
  readonly name: string;
  readonly token: string | null;
  /** Who the instance is on WhatsApp; absent until it has connected once in this process. */
  readonly wuid?: string | undefined;
}

interface Needs {
  readonly config: Pick<Config, 'serverUrl' | 'exposeToken'>;
  readonly webhooks: Webhooks;
  readonly faults: Faults;
  readonly sender: Sender;
  readonly log: Log;
}

/** A row is asked for again after this time, so that one whose instance was deleted elsewhere falls silent. */
const REMEMBER_MS = 1_000;
const SHUFFLE_MS = 500;

const targetOf = (row: WebhookRow, event: string): string =>
  row.webhookByEvents ? `${row.url}/${eventPath(event)}` : row.url;

const headersOf = (row: WebhookRow): Record<string, string> => {
  const { jwt_key: secret, ...headers } = row.headers ?? {};
  return secret ? { ...headers, Authorization: bearer(secret) } : headers;
};

/** Turns an instance's events into webhooks. */
export const createEmitter = ({ config, webhooks, faults, sender, log }: Needs) => {
  const remembered = new Map<string, { row: WebhookRow | null; until: number }>();

  const rowOf = async (instanceId: string): Promise<WebhookRow | null> => {
    const known = remembered.get(instanceId);
    if (known && known.until > Date.now()) return known.row;
    const row = await webhooks.find(instanceId);
    remembered.set(instanceId, { row, until: Date.now() + REMEMBER_MS });
    return row;
  };
  const bodyOf = (
    source: Source,
    event: string,
    facts: { data: unknown; url: string; time: string },
  ): string =>
    JSON.stringify({
      event,
      instance: source.name,
      data: facts.data,
      destination: facts.url,
      date_time: facts.time,
      sender: source.wuid,
      server_url: config.serverUrl,
      apikey: config.exposeToken ? source.token : null,
    });
  const post = async (
    source: Source,
    event: string,
    sending: Parameters<Sender['send']>[0],
  ): Promise<boolean> => {
    const scope = { instance: source.name, event };
    if (faults.take(['dropWebhooks'], scope)) return true;
    const shuffle = faults.take(['shuffleWebhooks'], scope)?.shuffleWebhooks;
    if (shuffle) await sleep(Math.random() * (shuffle === true ? SHUFFLE_MS : shuffle));
    const extra = faults.take(['duplicateWebhooks'], scope)?.duplicateWebhooks;
    for (let i = extra === true ? 1 : Number(extra ?? 0); i > 0; i--) void sender.send(sending);
    return sender.send(sending);
  };

  return {
    /** To be called when a row was written, so that the next event already follows it. */
    forget: (instanceId: string): void => void remembered.delete(instanceId),
    /** Whether somebody listens, for what is costly to make. */
    hears: async (source: Source, event: string): Promise<WebhookRow | null> => {
      const row = await rowOf(source.id);
      return row?.enabled && row.events?.includes(subscriptionName(event)) ? row : null;
    },
    /**
     * Sends an event to the instance's webhook, if it is subscribed.
     * @param data the event's data, or a function that makes it when somebody listens.
     * @returns when it is delivered or given up (up to 20 minutes); most callers do not wait. Never rejects.
     */
    async emit(source: Source, event: string, data: unknown): Promise<boolean> {
      const time = new Date().toISOString();
      const who: Source = { id: source.id, name: source.name, token: source.token, wuid: source.wuid };
      try {
        const row = await this.hears(source, event);
        if (!row) return true;
        const value: unknown =
          typeof data === 'function' ? await (data as (row: WebhookRow) => unknown)(row) : data;
        const body = bodyOf(who, event, { data: value, url: row.url, time });
        return await post(who, event, { url: targetOf(row, event), headers: headersOf(row), body });
      } catch (error) {
        log('warn', 'webhook.unread', { event, error });
        return false;
      }
    },
  };
};

export type Emitter = ReturnType<typeof createEmitter>;
