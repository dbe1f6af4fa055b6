import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Postgres } from '../../src/config/postgres.js';
import { createTenancy, type Models, type Tenancy } from '../../src/models/index.js';
import type { Draft } from '../../src/models/message.js';
import { noteInFile } from '../support/conformance.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { watchModels } from '../support/strange.js';

/**
 * Methods of models that other tests call with luck only (workers in good time, rows of the right age), or in processes that
 * are not watched: here each is called where it has an effect, after a stranger who is to have none.
 */
describe('methods of models that are seldom called', () => {
  let database: TestDatabase;
  let postgres: Postgres;
  let tenancy: Tenancy;
  const done = new Set<string>();
  const [ME, RIVAL] = [7001, 7002];
  const CHAT = '+628987654321';
  const LATER = new Date(Date.now() + 86_400_000);
  const at: Record<
    'phone' | 'node' | 'bulk' | 'bulked' | 'queued' | 'sent' | 'file' | 'link' | 'stored' | 'hook' | 'fresh',
    number
  > = {} as never;

  beforeAll(async () => {
    watchModels((word, text) => {
      if (word === 'done') done.add(text.replace('model ', ''));
      noteInFile(word, text);
    });
    database = await createTestDatabase();
    const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD } = database.env;
    const server = { host: DB_HOST, port: Number(DB_PORT), database: DB_NAME };
    postgres = createPostgres(
      { ...server, user: DB_USER, password: DB_PASSWORD, poolSize: 2 },
      createLogger({ level: 'error', silent: true }),
    );
    tenancy = createTenancy(postgres);
    await people();
    await things();
  });
  afterAll(async () => {
    await postgres?.close();
    await database?.drop();
  });
  const mine = <T>(work: (models: Models) => Promise<T>): Promise<T> => tenancy.inTenant(ME, work);

  async function people(): Promise<void> {
    for (const id of [RIVAL, ME])
      at.phone = await tenancy.inTenant(id, async (models) => {
        const secrets = { passwordHash: 'h', apiKeyHash: Buffer.from(`k${id}`), jwtSecret: 's' };
        await models.users.create({ id, username: `u${id}`, email: `u${id}@x.y`, ...secrets });
        const phone = await models.phones.create({
          userId: id,
          phoneNumber: '+628110001',
          deviceName: 'd',
          webhookUrl: null,
          token: Buffer.from(`t${id}`),
        });
        if (id === RIVAL) await models.phones.takeNumber(phone!);
        await models.lanes.setOpen(id, phone!.id, true);
        await models.checks.ask(id, phone!.id, 1000);
        return phone!.id;
      });
    await tenancy.shared.nodes.sync([{ name: 'node-1', url: 'http://127.0.0.1:9' }]);
    at.node = (await tenancy.shared.nodes.list())[0]!.id;
  }

  const draft = (more: Partial<Draft>): Draft => ({
    ...{ userId: ME, phoneId: at.phone, chat: CHAT, content: 'lovely words', type: 'text', payload: null },
    ...{ mediaId: null, priority: 1, ttl: 1000, sendAt: null, expiresAt: null, onUnknown: 'keep' },
    ...{ bulkId: null, requestId: 'r', key: null, hash: null, keyTtl: 100, dayLimit: null },
    ...more,
  });
  const accepted = async (more: Partial<Draft>) => (await tenancy.shared.accept([draft(more)]))[0]!.id;

  async function things(): Promise<void> {
    const file = { kind: 'image', mimetype: null, fileName: null, keptDays: 1 } as const;
    await mine(async (models) => {
      at.bulk = (await models.bulks.create({ userId: ME, name: 'mine', total: 1 })).id;
      const link = {
        ...file,
        userId: ME,
        status: 'pending',
        source: 'link',
        url: 'https://x.example',
      } as const;
      at.link = (await models.media.create(link)).id;
      at.file = (await models.media.create({ ...link, url: 'https://y.example' })).id;
      at.stored = (await models.media.create({ ...link, status: 'failed' })).id;
      const hook = { url: 'https://x.example', headers: null, events: null, isOrdered: false };
      at.hook = (
        await models.webhooks.create({ ...hook, userId: ME, phoneId: null, secret: 's', isOfPhone: false })
      ).id;
      await models.webhooks.disable({ id: at.hook, userId: ME }, 'asked');
      const event = { type: 'message', phoneId: at.phone, messageId: null, data: {} };
      await models.events.append(ME, [event]);
      const place = { id: 'plc_1', userId: ME, phoneId: at.phone, nodeId: at.node };
      for (const id of ['plc_1', 'plc_2']) {
        await models.placements.create({ ...place, id, secretHash: Buffer.from(id) });
        await models.placements.setMade(id, 'http://elsewhere/');
        if (id === 'plc_1') await models.placements.end(at.phone);
      }
      const move = { userId: ME, phoneId: at.phone, fromPlacement: 'plc_1', toPlacement: 'plc_2' } as const;
      await models.moves.create({ ...move, why: 'asked', step: 'wait' });
      for (const [id, rolledFrom] of [
        ['key_1', null],
        ['key_2', 'key_1'],
      ] as const)
        await models.apiKeys.create({ id, userId: ME, name: id, hash: Buffer.from(id), rolledFrom });
      const person = { userId: ME, phoneId: at.phone, address: CHAT, lid: '123', name: 'Ann', picture: null };
      await models.people.meet([{ ...person, at: new Date() }]);
      const change = {
        userId: ME,
        phoneId: at.phone,
        whatsappId: 'W0',
        kind: 'edited',
        content: 'x',
      } as const;
      await models.changes.park({ ...change, at: new Date(), chat: CHAT, fromMe: false });
      await models.quotas.setKeptDays(ME, { messages: 30 });
      const session = { id: 'ses_1', userId: ME, device: null, ip: null, lifetime: 1000 };
      await models.sessions.create({ ...session, refreshHash: Buffer.from('r') });
    });
    at.bulked = await accepted({ bulkId: at.bulk });
    at.queued = await accepted({ mediaId: at.file });
    at.sent = await accepted({});
    at.fresh = await accepted({ chat: '+628222' });
    await mine((models) => models.history.note([{ id: at.sent, userId: ME, words: ['lovely', 'words'] }]));
    await database.queryAll(`
      update messages set status = 'sent', message_id = 'W1', sending_at = now() where id = ${at.sent}`);
    await database.queryAll(
      `update phone_numbers set status = 'connected', status_since = 'epoch' where id = ${at.phone}`,
    );
    await database.queryAll(`update lanes set in_doubt = true`);
    await database.queryAll(`update sessions set last_seen_at = 'epoch'`);
    await database.queryAll(`update media set expires_at = 'epoch' where id = ${at.link}`);
    await database.queryAll(`
      insert into chats (user_id, phone_id, chat, last_message_id, last_at) values (${ME}, ${at.phone}, '+629', 0, 'epoch')`);
    await database.queryAll(`
      insert into idempotency_keys (user_id, key, request_hash, expires_at) values (${ME}, 'old', '\\x01', 'epoch')`);
  }

  const filter = { userId: ME, limit: 10, offset: 0 };
  const sending = { perMinute: 1, jitter: 0, recipientGap: 0, quietHours: null, warmUp: null };
  const pace = { ...sending, timezone: 'UTC' };
  const body = { userId: ME, placementId: 'plc_2', why: 'unknown', body: {} };
  const ack = { userId: ME, whatsappId: 'W9', status: 'read', at: new Date() };
  /** In this order: what takes things away comes last. */
  const CALLS: Record<string, (models: Models) => Promise<unknown>> = {
    'apiKeys.findSuccessor': ({ apiKeys }) => apiKeys.findSuccessor('key_1'),
    'bulks.find': ({ bulks }) => bulks.find(at.bulk),
    'bulks.count': ({ bulks }) => bulks.count(at.bulk),
    'bulks.listWaiting': ({ bulks }) => bulks.listWaiting(at.bulk, 10),
    'bulks.setCancelled': ({ bulks }) => bulks.setCancelled(at.bulk),
    'bulks.setProgress': ({ bulks }) => bulks.setProgress(at.bulk, { before: {}, now: {}, isFinished: true }),
    'changes.usersWithUntold': ({ changes }) => changes.usersWithUntold(LATER),
    'changes.markTold': ({ changes }) => changes.markTold(ME, LATER, 10),
    'changes.takeParked': ({ changes }) => changes.takeParked([{ phoneId: at.phone, whatsappId: 'W0' }]),
    'compares.listKnown': ({ compares }) => compares.listKnown(at.phone, ['W1']),
    'deafness.list': ({ deafness }) => deafness.list(1000, 1),
    'deafness.setProbed': ({ deafness }) => deafness.setProbed(at.phone, { failed: true }),
    'erasures.ownPhones': ({ erasures }) => erasures.ownPhones(ME, ['+628110001']),
    'erasures.aliases': ({ erasures }) => erasures.aliases(ME, [CHAT]),
    'events.listAfterEach': ({ events }) => events.listAfterEach([{ userId: ME, after: 0 }], 10),
    'history.search': ({ history }) => history.search(filter, ['lovely', 'words']),
    'inbound.quarantine': ({ inbound }) => inbound.quarantine({ ...body, phoneId: at.phone }),
    'lanes.isInDoubt': ({ lanes }) => lanes.isInDoubt(ME, at.phone),
    'lanes.clearDoubt': ({ lanes }) => lanes.clearDoubt(ME, at.phone),
    'lanes.setPace': ({ lanes }) => lanes.setPace(ME, at.phone, pace),
    'lanes.rejoin': async ({ lanes, messages }) => lanes.rejoin((await messages.find(at.bulked))!, true),
    'media.list': ({ media }) => media.list({ userId: ME, before: undefined, limit: 10, offset: 0 }),
    'media.findPending': ({ media }) =>
      media.findPending({ userId: ME, url: 'https://x.example', kind: 'image', mimetype: null }),
    'media.isAwaited': ({ media }) => media.isAwaited(ME, at.file),
    'media.listWaiting': ({ media }) => media.listWaiting(ME, at.file),
    'media.messageOf': ({ media }) => media.messageOf(ME, at.file),
    'media.release': ({ media }) => media.release({ id: at.file, userId: ME }),
    'media.setRetry': ({ media }) => media.setRetry(at.link, 'away', 10),
    'media.revive': ({ media }) => media.revive({ id: at.stored, userId: ME }),
    'messages.usersWithSilence': ({ messages }) => messages.usersWithSilence(LATER),
    'messages.markOverdue': ({ messages }) => messages.markOverdue(ME, LATER, 10),
    'messages.requeue': ({ messages }) => messages.requeue({ id: at.bulked, status: 'failed' }, 100),
    'moves.findOpen': ({ moves }) => moves.findOpen(at.phone),
    'moves.redirect': async ({ moves }) => moves.redirect((await moves.findOpen(at.phone))!.id, 'plc_2'),
    'people.lidsOf': ({ people: known }) => known.lidsOf([{ userId: ME, number: CHAT }]),
    'people.numbersOf': ({ people: known }) => known.numbersOf([{ userId: ME, lid: '123' }]),
    'phones.findByNumber': ({ phones }) => phones.findByNumber('+628110001'),
    'phones.isTaken': ({ phones }) => phones.isTaken(ME, '+628110001'),
    'phones.setSending': ({ phones }) => phones.setSending(at.phone, pace),
    'placements.askMisdirected': ({ placements }) =>
      placements.askMisdirected('http://here/', { after: 0, apart: 0 }),
    'placements.setLost': ({ placements }) => placements.setLost('plc_2'),
    'progress.park': ({ progress }) => progress.park([{ ...ack, phoneId: at.phone }]),
    'progress.takeParked': ({ progress }) =>
      progress.takeParked([{ phoneId: at.phone, whatsappId: ack.whatsappId }]),
    'quotas.find': ({ quotas }) => quotas.find(ME),
    'sealed.list': ({ sealed }) => sealed.list(),
    'sealed.replace': ({ sealed }) => sealed.replace({ place: 'jwt', id: ME, text: 's' }, 'anew'),
    'sessions.touch': ({ sessions }) => sessions.touch('ses_1'),
    'webhooks.find': ({ webhooks }) => webhooks.find(at.hook),
    'exports.setFailed': async ({ exports }) => exports.setFailed((await exports.create(ME))!.id),
    'exports.remove': ({ exports }) => exports.remove(Number.MAX_SAFE_INTEGER),
    'exports.removeAll': async ({ exports }) => {
      await exports.create(ME);
      return exports.removeAll(ME);
    },
    'deliveries.expireHeld': ({ deliveries }) => deliveries.expireHeld(LATER, 10),
    'chats.forget': ({ chats }) => chats.forget(LATER, 10),
    'housekeeping.clear': ({ housekeeping }) => housekeeping.clear(0, 10),
    'housekeeping.trimEvents': ({ housekeeping }) => housekeeping.trimEvents(LATER, 10),
    'housekeeping.removeMessages': ({ housekeeping }) => housekeeping.removeMessages(LATER, 10),
    'media.removeExpired': async ({ media }) => {
      await media.setFailed(at.link, 'gone');
      return media.removeExpired(10);
    },
    'media.remove': ({ media }) => media.remove(at.stored),
  };
  it.each(Object.keys(CALLS))(
    '%s › by a stranger, then by its user › has an effect for its user alone',
    async (name) => {
      await mine(CALLS[name]!);
      expect(done).toContain(name);
    },
  );
});
