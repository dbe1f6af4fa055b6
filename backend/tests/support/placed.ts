import { createHash, randomBytes } from 'node:crypto';
import { newNumber, type TestUser } from './client.js';
import type { TestGateway } from './gateway.js';

/**
 * A phone placed as if a node had it, without any node: for what nodes post, in any order and number. Nothing is placed
 * there by the gateway itself, which would take the place from under it.
 */
export async function placedPhone(
  gateway: Pick<TestGateway, 'database' | 'inboundUrl'>,
  user: TestUser,
  more: {
    generation?: number;
    phoneId?: number;
    webhookUrl?: string;
    phoneNumber?: string;
    /** Whether it was ever open; yes, unless told. */
    opened?: boolean;
  } = {},
) {
  const created = more.phoneId
    ? { id: more.phoneId, phoneNumber: '', webhookSecret: null }
    : (
        await user.api.post('/api/phones', {
          phoneNumber: more.phoneNumber ?? newNumber(),
          ...(more.webhookUrl ? { webhookUrl: more.webhookUrl } : {}),
        })
      ).body;
  const bearer = randomBytes(16).toString('hex');
  const placement = `plc_${randomBytes(8).toString('hex')}`;
  await gateway.database.query(
    `begin; set local app.user_ids = '{${user.id}}';
     insert into nodes (name, url, is_enabled) values ('nowhere', 'http://127.0.0.1:9', false) on conflict do nothing;
     update placements set ended_at = now() where phone_id = ${created.id};
     insert into placements (id, user_id, phone_id, generation, node_id, secret_hash, made_at, opened_at)
     select '${placement}', ${user.id}, ${created.id}, ${more.generation ?? 1}, id, '\\x${createHash('sha256').update(bearer).digest('hex')}', now(), ${more.opened === false ? 'null' : 'now()'}
       from nodes where name = 'nowhere';
     commit`,
  );
  const post = (body: unknown, secret = bearer, to = placement) =>
    fetch(`${gateway.inboundUrl}/inbound/${to}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
      body: JSON.stringify(body),
    });
  const say = (event: string, data: unknown, at = new Date()) =>
    post({
      event,
      instance: placement,
      data,
      destination: 'x',
      date_time: at.toISOString(),
      sender: created.phoneNumber,
      server_url: 'x',
      apikey: 'TOKEN-OF-THE-PHONE',
    });
  return {
    ...(created as { id: number; phoneNumber: string; webhookSecret: string | null }),
    placement,
    bearer,
    post,
    say,
  };
}

export const textFrom = (number: string, id: string, words: string) => ({
  key: {
    remoteJid: `${number.replace('+', '')}@s.whatsapp.net`,
    fromMe: false,
    id,
    participant: '',
    addressingMode: 'pn',
  },
  pushName: 'Customer One',
  status: 'DELIVERY_ACK',
  message: { conversation: words },
  messageType: 'conversation',
  messageTimestamp: Math.floor(Date.now() / 1000),
  instanceId: 'i',
  source: 'ios',
});
