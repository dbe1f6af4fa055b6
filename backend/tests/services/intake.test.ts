import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { eventsOf } from '../support/truth.js';
import { takeAll, type Post } from '../../src/services/intake.js';
import { decodeInbound } from '../../src/clients/evolution.decode.js';
import { createPostgres } from '../../src/config/postgres.js';
import { createLogger } from '../../src/config/logger.js';
import { createTenancy } from '../../src/models/index.js';
import { sealer } from '../../src/utils/crypto.js';

describe('posts taken together', () => {
  let gateway: TestGateway;
  let postgres: ReturnType<typeof createPostgres>;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
    const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD } = gateway.env;
    postgres = createPostgres(
      {
        host: DB_HOST,
        port: DB_PORT,
        database: DB_NAME,
        user: DB_USER,
        password: DB_PASSWORD,
        poolSize: 2,
      },
      createLogger({ level: 'error', silent: true }),
    );
  });
  afterAll(async () => {
    await postgres?.close();
    await gateway?.stop();
  });

  /** One transaction over these posts: what tests through HTTP cannot be sure of. */
  const take = (userIds: number[], posts: Post[]) =>
    createTenancy(postgres).inTenants(userIds, async (models) => {
      await models.events.lockCounters(userIds);
      return takeAll(models, posts, {
        sealer: sealer('a-secret-of-this-test-0123456789'),
        // Only files have links, and here are none.
        links: null as never,
        keptDays: null,
      });
    });
  const postOf = (userId: number, placementId: string, event: string, data: unknown): Post => {
    const decoded = decodeInbound({
      event,
      instance: placementId,
      data,
      date_time: new Date().toISOString(),
    });
    if (!decoded.ok) throw new Error(decoded.why);
    return { userId, placementId, facts: decoded.facts, isRecovered: false };
  };
  const quoting = (id: string, quoted: string) => ({
    ...textFrom('+5511988887777', id, `about ${quoted}`),
    contextInfo: { stanzaId: quoted },
  });

  it('a question and what quotes it, a repetition, another user’s, one of a phone that is gone › each its effect, in order', async () => {
    const users = [await newUser(gateway.url), await newUser(gateway.url)];
    const [one, other] = [await placedPhone(gateway, users[0]!), await placedPhone(gateway, users[1]!)];
    const of = (id: string, data: object = textFrom('+5511988887777', id, id)) =>
      postOf(users[0]!.id, one.placement, 'messages.upsert', data);
    const results = await take(
      users.map(({ id }) => id),
      [
        of('T1'),
        postOf(users[1]!.id, other.placement, 'messages.upsert', textFrom('+5511988887777', 'T1', 'theirs')),
        of('T2', quoting('T2', 'T1')),
        of('T1'),
        postOf(users[0]!.id, 'plc_gone', 'messages.upsert', textFrom('+5511988887777', 'T9', 'lost')),
        of('T3'),
      ],
    );
    expect(results.map((result) => (result ? result.code : 'taken'))).toEqual([
      'taken',
      'taken',
      'taken',
      'taken',
      'unauthenticated',
      'taken',
    ]);
    const events = await eventsOf(users[0]!);
    expect(events.map(({ sequence, data }) => [sequence, data.whatsappId])).toEqual([
      [1, 'T1'],
      [2, 'T2'],
      [3, 'T3'],
    ]);
    expect(events[1].data.quotedMessageId).toBe(events[0].data.messageId);
    expect((await eventsOf(users[1]!)).map(({ data }) => data.message)).toEqual(['theirs']);
  });

  it('typed on the phone after its acks, edited, acked again › in one transaction › as if one after the other', async () => {
    const user = await newUser(gateway.url);
    const phone = await placedPhone(gateway, user);
    const of = (event: string, data: unknown) => postOf(user.id, phone.placement, event, data);
    const typed = textFrom('+5511988887777', 'TYPED', 'first words');
    await take(
      [user.id],
      [
        of('messages.update', { keyId: 'TYPED', fromMe: true, status: 'DELIVERY_ACK' }),
        of('messages.upsert', { ...typed, key: { ...typed.key, fromMe: true } }),
        of('messages.update', { keyId: 'TYPED', fromMe: true, status: 'READ' }),
        of('messages.upsert', textFrom('+5511988887777', 'ANSWER', 'an answer')),
      ],
    );
    const { data } = (await user.api.get('/api/messages')).body;
    expect(data.map((one: any) => [one.whatsappId, one.status])).toEqual([
      ['ANSWER', 'received'],
      ['TYPED', 'read'],
    ]);
    expect(
      (await eventsOf(user)).map(({ event, data: of }) => `${event} ${of.status ?? of.whatsappId}`),
    ).toEqual(['message TYPED', 'message.ack delivered', 'message.ack read', 'message ANSWER']);
  });

  it('a connection that opens and closes in one transaction › the phone is as the last of them says', async () => {
    const user = await newUser(gateway.url);
    const phone = await placedPhone(gateway, user, { opened: false });
    const states = ['open', 'close', 'open'].map((state, i) =>
      decodeInbound({
        event: 'connection.update',
        instance: phone.placement,
        data: {
          state,
          statusReason: state === 'open' ? 200 : 428,
          wuid: `${phone.phoneNumber.slice(1)}@s.whatsapp.net`,
        },
        date_time: new Date(Date.now() + i * 10).toISOString(),
      }),
    );
    await take(
      [user.id],
      states.map((decoded) => ({
        userId: user.id,
        placementId: phone.placement,
        facts: decoded.ok ? decoded.facts : [],
        isRecovered: false,
      })),
    );
    expect((await user.api.get(`/api/phones/${phone.id}`)).body.status).toBe('connected');
    const statuses = (await eventsOf(user)).map(({ data }) => data.status);
    expect([statuses[0], statuses.at(-1)]).toEqual(['connected', 'connected']);
    expect(statuses).toHaveLength(3);
  });
});
