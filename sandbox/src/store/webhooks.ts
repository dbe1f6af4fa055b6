import { createBatcher } from '../utils/batch.js';
import { rowId } from '../utils/ids.js';
import type { Database } from './database.js';

export interface WebhookRow {
  readonly id: string;
  readonly url: string;
  readonly headers: Record<string, string> | null;
  readonly enabled: boolean;
  readonly events: readonly string[] | null;
  readonly webhookByEvents: boolean;
  readonly webhookBase64: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly instanceId: string;
}

export interface WebhookInput {
  readonly enabled: boolean;
  readonly url: string;
  readonly events: readonly string[];
  readonly headers?: Record<string, string> | null;
  readonly byEvents?: boolean;
  readonly base64?: boolean;
}

const COLUMNS = `id, url, headers, enabled, events, "webhookByEvents", "webhookBase64", "createdAt", "updatedAt", "instanceId"`;

/** Rows of `"Webhook"`: at most one per instance. */
export const createWebhooks = (db: Database) => ({
  save: async (instanceId: string, input: WebhookInput): Promise<WebhookRow> => {
    const { rows } = await db.query<WebhookRow>(
      `insert into "Webhook" (id, url, enabled, events, "webhookByEvents", "webhookBase64", headers, "instanceId", "updatedAt")
       values ($1, $2, $3, $4, $5, $6, $7, $8, now())
       on conflict ("instanceId") do update set url = $2, enabled = $3, events = $4, "webhookByEvents" = $5,
         "webhookBase64" = $6, headers = $7, "updatedAt" = now() returning ${COLUMNS}`,
      [
        rowId(),
        input.url,
        input.enabled,
        JSON.stringify(input.events),
        input.byEvents ?? false,
        input.base64 ?? false,
        input.headers ? JSON.stringify(input.headers) : null,
        instanceId,
      ],
    );
    return rows[0]!;
  },
  find: createBatcher<string, WebhookRow | null>(async (instanceIds) => {
    const { rows } = await db.query<WebhookRow>(
      `select ${COLUMNS} from "Webhook" where "instanceId" = any($1)`,
      [instanceIds],
    );
    const byInstance = new Map(rows.map((row) => [row.instanceId, row]));
    return instanceIds.map((id) => byInstance.get(id) ?? null);
  }),
});

export type Webhooks = ReturnType<typeof createWebhooks>;
