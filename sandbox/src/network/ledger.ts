import type { Database } from '../store/database.js';
import type { Json } from '../utils/json.js';

const FILTERS: Record<string, string> = {
  sender: 'sender',
  from: 'sender',
  recipient: 'recipient',
  to: 'recipient',
  chat: 'chat',
  kind: 'kind',
  type: 'type',
  instance: 'instance',
  node: 'node',
  text: 'text',
  messageId: 'message_id',
};

/** All that the network took, whoever sent it, in the order in which it took it. */
export const createLedger = (db: Database) => ({
  /**
   * @param query `after` (a seq), `limit` (1 000, at most 10 000), and equality filters by field.
   * @returns `entries` in rising `seq` with `at` in ISO 8601, `last` for the next `after`, and `total` by the filters.
   */
  list: async (query: Record<string, string>): Promise<Json> => {
    const named = Object.entries(query).filter(([name]) => name in FILTERS);
    const conditions = named.map(([name], i) => `${FILTERS[name]} = $${i + 1}`).join(' and ') || 'true';
    const values = named.map(([, value]) => value);
    const after = Number(query['after'] ?? 0);
    const limit = Math.min(10_000, Number(query['limit'] ?? 1_000));
    const [entries, count] = await Promise.all([
      db.query<Json>(
        `select seq, at, kind, sender as "from", recipient as "to", chat, message_id as "messageId", type, text, message,
           instance, node from whatsapp.ledger where ${conditions} and seq > $${values.length + 1} order by seq
         limit $${values.length + 2}`,
        [...values, after, limit],
      ),
      db.query<{ total: number }>(
        `select count(*) as total from whatsapp.ledger where ${conditions}`,
        values,
      ),
    ]);
    const { rows } = entries;
    return { entries: rows, last: rows.at(-1)?.['seq'] ?? after, total: count.rows[0]!.total };
  },
});

export type Ledger = ReturnType<typeof createLedger>;
