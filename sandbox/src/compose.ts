import { Redis } from 'ioredis';
import { createApp } from './app.js';
import type { Config } from './config/env.js';
import { createFaults } from './faults/faults.js';
import { createGuards } from './http/middleware.js';
import { createGroups } from './network/groups.js';
import { createLedger } from './network/ledger.js';
import { createMail } from './network/mail.js';
import { createMedia } from './network/media.js';
import { createNetwork } from './network/network.js';
import { createAckWatch } from './node/ack-watch.js';
import { createChatActions } from './node/chat-actions.js';
import { createConnection } from './node/connection.js';
import { createDirectory } from './node/directory.js';
import { createFiles } from './node/files.js';
import { createGroupActions } from './node/group-actions.js';
import { createInbound } from './node/inbound.js';
import { createPairing } from './node/pairing.js';
import { createReceive } from './node/receive.js';
import { createRegistry, type Registry } from './node/registry.js';
import { createSend } from './node/send.js';
import { createContacts } from './store/contacts.js';
import { openDatabase } from './store/database.js';
import { createInstances, createSettings } from './store/instances.js';
import { createMessages } from './store/messages.js';
import { migrate } from './store/schema.js';
import { createProxies } from './store/proxies.js';
import { createSessions } from './store/sessions.js';
import { createWebhooks } from './store/webhooks.js';
import { createLog } from './utils/log.js';
import { createEmitter } from './webhook/emitter.js';
import { createSender } from './webhook/sender.js';

const createStores = (config: Config, log: ReturnType<typeof createLog>) => {
  const db = openDatabase({ url: config.databaseUrl, size: config.databasePool, log });
  const redis = new Redis(config.redisUrl, { maxRetriesPerRequest: 2, enableAutoPipelining: true });
  redis.on('error', (error) => log('warn', 'redis.lost', { error }));
  return {
    db,
    redis,
    instances: createInstances(db),
    settings: createSettings(db),
    proxies: createProxies(db),
    webhooks: createWebhooks(db),
    sessions: createSessions({ db, redis, prefix: config.redisPrefix }),
    messages: createMessages(db),
    contacts: createContacts(db),
    groups: createGroups(db),
    media: createMedia(db),
    ledger: createLedger(db),
  };
};

/** Builds a node out of its parts. Nothing runs before `start`. */
export const compose = (config: Config) => {
  const log = createLog(config.name);
  const faults = createFaults();
  const stores = createStores(config, log);
  const { db, redis } = stores;
  const node = config.name;
  const mail = createMail({ db, databaseUrl: config.databaseUrl, node, pollMs: config.pollMs, log });
  const network = createNetwork({ db, node, schedule: mail.schedule });
  const webhookSender = createSender({ config: config.webhook, log });
  const emitter = createEmitter({ config, webhooks: stores.webhooks, faults, sender: webhookSender, log });
  const context = { config, log, faults, network, mail, emitter, ackWatch: createAckWatch(), ...stores };

  const pairing = createPairing(context);
  const receive = createReceive(context);
  // The connection tells the registry of endings; the registry is made after it, of it.
  const later: { registry?: Registry } = {};
  const connection = createConnection({
    ...context,
    pairing,
    receive,
    afterLogout: async (instance) => later.registry?.afterLogout(instance),
  });
  const registry = createRegistry({ ...context, connection });
  later.registry = registry;
  const directory = createDirectory(context);
  const sender = createSend({ ...context, directory });
  const guards = createGuards({ config, registry, instances: stores.instances });
  const app = createApp({
    ...context,
    registry,
    guards,
    pairing,
    directory,
    sender,
    files: createFiles(context),
    actions: createChatActions({ ...context, sender }),
    groupActions: createGroupActions(context),
    inbound: createInbound(context),
  });

  return {
    app,
    log,
    start: async (): Promise<void> => {
      await migrate(db);
      await mail.start();
    },
    /** To be called once it listens: its instances' webhooks name its address. */
    load: () => registry.load(),
    stop: async (): Promise<void> => {
      webhookSender.stop();
      await mail.stop();
      await network.leave().catch(() => undefined);
      redis.disconnect();
      await db.end();
    },
  };
};
