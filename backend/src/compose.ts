import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Logger } from './config/logger.js';
import { createPostgres } from './config/postgres.js';
import { createReplica } from './config/replica.js';
import { createRedis, pingRedis } from './config/redis.js';
import type { Settings } from './config/env.js';
import { createApp, createInboundApp } from './app.js';
import { evolutionClient } from './clients/evolution.client.js';
import { evolutionStore } from './clients/evolution.store.js';
import { mailClient } from './clients/mail.client.js';
import { mediaClient } from './clients/media.client.js';
import { sessionSight } from './clients/session-sight.js';
import { diskStorage } from './clients/storage.disk.js';
import { s3Storage } from './clients/storage.s3.js';
import { checkHost, checkUrl, webhookClient } from './clients/webhook.client.js';
import { createLimitStores } from './clients/limit-store.js';
import { createWake } from './clients/wake.js';
import { accountController } from './controllers/account.controller.js';
import { keyController } from './controllers/key.controller.js';
import { authController } from './controllers/auth.controller.js';
import { bulkController } from './controllers/bulk.controller.js';
import { connectLinkController } from './controllers/connect-link.controller.js';
import { contactController } from './controllers/contact.controller.js';
import { dataController } from './controllers/data.controller.js';
import { eventController } from './controllers/event.controller.js';
import { groupController } from './controllers/group.controller.js';
import { healthController } from './controllers/health.controller.js';
import { historyController } from './controllers/history.controller.js';
import { inboundController } from './controllers/inbound.controller.js';
import { mediaController } from './controllers/media.controller.js';
import { messageActionController } from './controllers/message-action.controller.js';
import { messageController } from './controllers/message.controller.js';
import { outboxController } from './controllers/outbox.controller.js';
import { paceController } from './controllers/pace.controller.js';
import { phoneLifeController } from './controllers/phone-life.controller.js';
import { phoneController } from './controllers/phone.controller.js';
import { poolController } from './controllers/pool.controller.js';
import { webhookController } from './controllers/webhook.controller.js';
import { createTenancy } from './models/index.js';
import { checker } from './middleware/validate.js';
import { bulkDraft } from './routes/bulk.routes.js';
import { announcements } from './routes/event-shapes.js';
import { endpoints, inboundEndpoints } from './routes/index.js';
import { createAdopting } from './services/adopting.js';
import { createAccounts } from './services/account.js';
import { createAudit } from './services/audit.js';
import { createKeys } from './services/key.js';
import { createSecondFactors } from './services/second-factor.js';
import { createNotices } from './services/notice.js';
import { createSessions } from './services/session.js';
import { createUsers } from './services/user.js';
import { createAuth } from './services/auth.js';
import { createBulks } from './services/bulk.js';
import { createConnectLinks } from './services/connect-link.js';
import { createContacts } from './services/contact.js';
import { createErasing } from './services/erasing.js';
import { createExports } from './services/export.js';
import { createJobs } from './services/job.js';
import { createRemoving } from './services/removing.js';
import { createDeafness } from './services/deafness.js';
import { createDeliveries } from './services/delivery.js';
import { createDirectory } from './services/directory.js';
import { createDispatch } from './services/dispatch.js';
import { createDrafts } from './services/draft.js';
import { createEmails } from './services/email.js';
import { createEvents } from './services/event.js';
import { createFeed } from './services/feed.js';
import { createGroups } from './services/group.js';
import { createHealth } from './services/health.js';
import { createHistory } from './services/history.js';
import { createHousekeeping } from './services/housekeeping.js';
import { createIdentify } from './services/identify.js';
import { createInbound } from './services/inbound.js';
import { createMediaFetch } from './services/media-fetch.js';
import { imageReader } from './services/media-image.js';
import { createIntake } from './services/media-intake.js';
import { createMediaKeep } from './services/media-keep.js';
import { createMediaLinks } from './services/media-view.js';
import { createMedia } from './services/media.js';
import { createMessageActions } from './services/message-action.js';
import { createMessages } from './services/message.js';
import { createMoving } from './services/moving.js';
import { createNodeKeys } from './services/node-keys.js';
import { createNotes } from './services/notes.js';
import { createOutbox } from './services/outbox.js';
import { createOverdue } from './services/overdue.js';
import { createPace } from './services/pace.js';
import { createPairing } from './services/pairing.js';
import { createPhoneLife } from './services/phone-life.js';
import { createPhones } from './services/phone.js';
import { createPool } from './services/pool.js';
import { createProofs } from './services/proof.js';
import { createQuotas } from './services/quota.js';
import { createRepair } from './services/repair.js';
import { createRetention } from './services/retention.js';
import { createSettlement } from './services/settlement.js';
import { createStrangers } from './services/stranger.js';
import { createTrim } from './services/trim.js';
import { createTuning } from './services/tuning.js';
import { createTokens } from './services/token.js';
import { createWebhooks } from './services/webhook.js';
import { minter as createMinter, sealer as createSealer } from './utils/crypto.js';
import { linkSigner } from './utils/link.js';
import { passwords as createPasswords } from './utils/password.js';
import { bulkWorkers } from './workers/bulk.worker.js';
import { deliveryWorkers } from './workers/delivery.worker.js';
import { jobWorkers } from './workers/job.worker.js';
import { housekeepingWorkers } from './workers/housekeeping.worker.js';
import { mediaKeepWorkers, mediaWorkers } from './workers/media.worker.js';
import { messageWorkers } from './workers/message.worker.js';
import { nodeWorkers } from './workers/node.worker.js';
import { notesWorkers } from './workers/notes.worker.js';
import { repairWorkers } from './workers/repair.worker.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const MAX_WAITING_PASSWORDS = 50;
/** From `src` and `dist` alike. */
const UPLOADS = fileURLToPath(new URL('../uploads', import.meta.url));
/** Seconds; the longest upload ends long before. */
const ORPHAN_AGE = 3600;

export type Composition = ReturnType<typeof compose>;

/** The composition root: the one place that knows every constructor. Nothing is started here. */
export function compose(env: Settings, logger: Logger) {
  const database = {
    host: env.DB_HOST,
    port: env.DB_PORT,
    database: env.DB_NAME,
    user: env.DB_USER,
    password: env.DB_PASSWORD,
    poolSize: env.DB_POOL_SIZE,
  };
  const postgres = createPostgres(database, logger);
  const replica = env.DB_READ_HOST
    ? createReplica({ ...database, host: env.DB_READ_HOST, port: env.DB_READ_PORT }, postgres, logger)
    : null;
  const redisOptions = {
    host: env.REDIS_HOST,
    port: env.REDIS_PORT,
    password: env.REDIS_PASSWORD,
    clusterNodes: env.REDIS_CLUSTER_NODES,
  };
  const redis = createRedis(redisOptions, logger);
  const subscriber = createRedis(redisOptions, logger);
  const wake = createWake(redis, subscriber);
  const limits = createLimitStores(redis);
  const tenancy = createTenancy(postgres, replica ?? postgres);
  const sealer = createSealer(env.JWT_SECRET, env.JWT_SECRET_PREVIOUS || undefined);
  const nodeKeys = createNodeKeys({ nodes: tenancy.shared.nodes, sealer, fallback: env.EVOLUTION_API_KEY });
  const evolution = evolutionClient({
    keyOf: nodeKeys.of,
    timeout: env.NODE_TIMEOUT,
    inboundUrl: env.INBOUND_URL,
    metrics: { username: env.EVOLUTION_METRICS_USER, password: env.EVOLUTION_METRICS_PASSWORD },
  });
  const webhooks = webhookClient({
    allowedPrivateNetworks: env.ALLOWED_PRIVATE_NETWORKS,
    timeoutMs: env.WEBHOOK_TIMEOUT * 1000,
    maxAnswerBytes: 16 * 1024,
  });
  const refuseUrl = (url: string) => {
    const result = checkUrl(url, env.ALLOWED_PRIVATE_NETWORKS);
    return result.ok ? null : result.reason;
  };

  const refuseProxy = (host: string) => {
    if (env.ALLOWED_PROXIES.includes(host)) return null;
    const result = checkHost(host, env.ALLOWED_PRIVATE_NETWORKS);
    return result.ok ? null : result.reason;
  };

  const storage = env.S3_BUCKET
    ? s3Storage({
        endpoint: env.S3_ENDPOINT,
        region: env.S3_REGION,
        bucket: env.S3_BUCKET,
        accessKey: env.S3_ACCESS_KEY,
        secretKey: env.S3_SECRET_KEY,
      })
    : diskStorage(env.MEDIA_DIR || UPLOADS);
  const downloads = mediaClient({
    allowedPrivateNetworks: env.ALLOWED_PRIVATE_NETWORKS,
    timeoutMs: env.MEDIA_TIMEOUT * 1000,
    idleMs: env.MEDIA_IDLE * 1000,
  });
  const intake = createIntake({ storage, limits: env.MEDIA_LIMITS });
  const signer = linkSigner(env.JWT_SECRET, env.JWT_SECRET_PREVIOUS || undefined);
  const links = createMediaLinks({
    signer,
    settings: { serverUrl: env.SERVER_URL, inboundUrl: env.INBOUND_URL, linkTtl: env.MEDIA_LINK_TTL },
  });
  const media = createMedia({
    tenancy,
    storage,
    intake,
    links,
    wake,
    refuseUrl,
    settings: { quota: env.MEDIA_QUOTA, keptDays: env.MEDIA_KEPT_DAYS, idempotencyTtl: env.IDEMPOTENCY_TTL },
  });

  const passwords = createPasswords({ cost: env.BCRYPT_COST, maxQueue: MAX_WAITING_PASSWORDS });
  const tokens = createTokens({ sealer, expiresIn: env.JWT_EXPIRES_IN });
  const sight = sessionSight(redis);
  const identify = createIdentify({
    tenancy,
    tokens,
    noteSeen: (id) => sight.note(id, env.REFRESH_EXPIRES_IN),
  });
  const feed = createFeed({ tenancy, wake, logger, sweepMs: env.SWEEP_MS });
  const sessions = createSessions({
    tenancy,
    tokens,
    sight,
    minter: createMinter(env.JWT_SECRET, env.JWT_SECRET_PREVIOUS || undefined),
    forget: identify.forget,
    lifetime: env.REFRESH_EXPIRES_IN,
  });
  const mail = mailClient({
    url: env.SMTP_URL,
    from: env.MAIL_FROM,
    isProduction: env.NODE_ENV === 'production',
    logger,
  });
  const notices = createNotices({ mail, serverUrl: env.SERVER_URL });
  const proofs = createProofs({ tenancy, passwords });
  const secondFactors = createSecondFactors({ tenancy, proofs, sealer, notices });
  const auth = createAuth({ tenancy, passwords, proofs, tokens, sessions, secondFactors, identify });
  const emails = createEmails({
    tenancy,
    mail,
    passwords,
    proofs,
    tokens,
    sessions,
    notices,
    secondFactors,
    forget: identify.forget,
    serverUrl: env.SERVER_URL,
  });
  const accounts = createAccounts({
    tenancy,
    passwords,
    proofs,
    tokens,
    sessions,
    secondFactors,
    notices,
    forget: identify.forget,
  });
  const audit = createAudit({ tenancy });
  const users = createUsers({ tenancy, auth, passwords, tokens, wake, forget: identify.forget });
  const quotas = createQuotas({
    tenancy,
    settings: {
      quotas: {
        phones: env.QUOTA_PHONES,
        messagesPerDay: env.QUOTA_MESSAGES_PER_DAY,
        mediaBytes: env.MEDIA_QUOTA,
      },
      keptDays: {
        messages: env.MESSAGES_KEPT_DAYS,
        media: env.MEDIA_KEPT_DAYS,
        events: env.EVENTS_KEPT_DAYS,
      },
    },
  });
  const phones = createPhones({
    tenancy,
    wake,
    sealer,
    refuseUrl,
    quotas,
    settings: { idempotencyTtl: env.IDEMPOTENCY_TTL },
  });
  const drafts = createDrafts({ tenancy, media });
  const messages = createMessages({
    tenancy,
    drafts,
    media,
    links,
    wake,
    settings: { messageTtl: env.MESSAGE_TTL, idempotencyTtl: env.IDEMPOTENCY_TTL },
  });
  const notes = createNotes({ tenancy });
  const inbound = createInbound({
    tenancy,
    wake,
    sealer,
    logger,
    links,
    settings: { mediaKeptDays: env.MEDIA_KEPT_DAYS },
  });
  const repair = createRepair({
    tenancy,
    evolution,
    inbound,
    logger,
    settings: { every: env.COMPARE_EVERY },
  });
  const store = evolutionStore({
    databaseUrl: env.EVOLUTION_DATABASE_URL,
    redisUrl: env.EVOLUTION_REDIS_URL,
    prefix: env.EVOLUTION_REDIS_PREFIX,
    logger,
  });
  const tuning = createTuning({ tenancy, evolution, wake, sealer, refuseProxy });
  const moving = createMoving({ tenancy, evolution, store, tuning, wake, logger });
  const pairing = createPairing({ tenancy, evolution, moving, store, tuning, wake, sealer, logger });
  const sending = {
    sendTimeout: env.SEND_TIMEOUT,
    unknownHold: env.UNKNOWN_HOLD,
    leaseMargin: env.LEASE_MARGIN,
  };
  const settlement = createSettlement({ tenancy, wake, settings: sending });
  const dispatch = createDispatch({ tenancy, evolution, media, settlement, wake, logger, settings: sending });
  const deliveries = createDeliveries({
    tenancy,
    client: webhooks,
    wake,
    sealer,
    logger,
    settings: {
      schedule: env.WEBHOOK_RETRY_SCHEDULE,
      timeout: env.WEBHOOK_TIMEOUT,
      concurrency: env.WEBHOOK_CONCURRENCY,
      perWebhook: env.WEBHOOK_PER_WEBHOOK,
    },
  });
  const health = createHealth({
    tenancy,
    pingReplica: replica && replica.ping,
    pingRedis: () => pingRedis(redis),
    evolution,
    canMove: store.isReady,
    wake,
    settings: { nodeCheck: env.NODE_CHECK, failoverAfter: env.FAILOVER_AFTER },
    logger,
    poolUrl: env.EVOLUTION_POOL_URL,
    version,
  });

  const bulks = createBulks({
    tenancy,
    drafts,
    check: checker(bulkDraft),
    wake,
    settings: {
      messageTtl: env.MESSAGE_TTL,
      idempotencyTtl: env.IDEMPOTENCY_TTL,
      progressEvery: env.BULK_PROGRESS,
    },
  });
  const life = createPhoneLife({ tenancy, evolution, wake, sealer });
  const exports = createExports({ tenancy, storage, signer, wake, serverUrl: env.SERVER_URL });
  const erasing = createErasing({ tenancy, storage, store, wake });
  const removing = createRemoving({
    tenancy,
    proofs,
    secondFactors,
    tokens,
    life,
    storage,
    wake,
    forget: identify.forget,
    logger,
  });
  const jobs = createJobs({
    tenancy,
    kinds: { export: exports.run, erase: erasing.run, remove: removing.run },
    giveUp: { export: exports.fail },
    logger,
  });
  const directory = createDirectory({ tenancy, evolution });
  const imageOf = imageReader(media);
  const controllers = {
    account: accountController({ accounts, audit, users, quotas }),
    auth: authController({ auth, accounts, sessions, emails, secondFactors }),
    keys: keyController({
      keys: createKeys({
        tenancy,
        forget: identify.forget,
        settings: { idempotencyTtl: env.IDEMPOTENCY_TTL },
      }),
    }),
    bulks: bulkController({ bulks, quotas }),
    data: dataController({ exports, removing, erasing }),
    events: eventController({ events: createEvents({ tenancy }) }),
    connectLinks: connectLinkController({
      connectLinks: createConnectLinks({ tenancy, life, signer, serverUrl: env.SERVER_URL }),
    }),
    contacts: contactController({
      directory,
      contacts: createContacts({
        tenancy,
        evolution,
        imageOf,
        settings: { checksPerMinute: env.CHECKS_PER_MINUTE },
      }),
    }),
    groups: groupController({ directory, groups: createGroups({ tenancy, evolution, imageOf }) }),
    health: healthController({ health }),
    history: historyController({ history: createHistory({ tenancy, notes, links }) }),
    outbox: outboxController({
      outbox: createOutbox({ tenancy, wake, links, settings: { messageTtl: env.MESSAGE_TTL } }),
    }),
    pace: paceController({ pace: createPace({ tenancy, wake }), phones, tuning }),
    inbound: inboundController({ inbound }),
    life: phoneLifeController({ life }),
    messageActions: messageActionController({
      actions: createMessageActions({
        tenancy,
        evolution,
        wake,
        links,
        settings: { nodeTimeout: env.NODE_TIMEOUT },
      }),
    }),
    media: mediaController({ media }),
    messages: messageController({ messages, quotas }),
    phones: phoneController({ phones }),
    pool: poolController({
      pool: createPool({ tenancy, moving, keys: nodeKeys, canMove: store.isReady, wake }),
      adopting: createAdopting({ tenancy, evolution, wake }),
    }),
    webhooks: webhookController({
      webhooks: createWebhooks({
        tenancy,
        wake,
        sealer,
        client: webhooks,
        refuseUrl,
        settings: { idempotencyTtl: env.IDEMPOTENCY_TTL },
      }),
      events: announcements.map(({ name }) => name),
    }),
  };
  const frame = {
    identify,
    logger,
    limitStore: limits.store,
    isKnownPlace: auth.isKnownPlace,
    auditor: {
      append: audit.append,
      onError: (error: unknown) => logger.error('not audited', { error }),
    },
    files: { taker: intake, limit: Math.max(...Object.values(env.MEDIA_LIMITS)) },
    config: {
      version,
      serverUrl: env.SERVER_URL,
      announcements,
      corsOrigins: env.CORS_ORIGINS,
      trustProxy: env.TRUST_PROXY,
      jsonLimit: env.JSON_LIMIT,
      rateLimits: {
        window: env.RATE_LIMIT_WINDOW,
        ip: env.RATE_LIMIT_IP,
        user: env.RATE_LIMIT_USER,
        auth: env.RATE_LIMIT_AUTH,
        authIp: env.RATE_LIMIT_AUTH_IP,
        account: env.RATE_LIMIT_ACCOUNT,
        send: env.RATE_LIMIT_SEND,
      },
    },
  };
  const { SWEEP_MS: sweepMs } = env;
  const rows = endpoints(controllers);
  const inboundRows = inboundEndpoints(controllers);

  return {
    endpoints: rows,
    inboundEndpoints: inboundRows,
    app: createApp({ ...frame, endpoints: rows }),
    inboundApp: createInboundApp({ ...frame, endpoints: inboundRows }),
    identify,
    feed,
    replica,
    workers: {
      messages: messageWorkers({
        dispatch,
        wake,
        logger,
        settings: { concurrency: env.SEND_CONCURRENCY, sweepMs },
      }),
      deliveries: deliveryWorkers({
        deliveries,
        wake,
        logger,
        settings: { concurrency: env.WEBHOOK_CONCURRENCY, sweepMs },
      }),
      housekeeping: housekeepingWorkers({
        housekeeping: createHousekeeping({ tenancy, logger, keepDays: env.FACTS_KEPT_DAYS }),
        retention: createRetention({
          tenancy,
          logger,
          settings: { keepDays: env.MESSAGES_KEPT_DAYS, idempotencyTtl: env.IDEMPOTENCY_TTL },
        }),
        overdue: createOverdue({ tenancy, wake, logger, ackAfter: env.ACK_AFTER }),
        strangers: createStrangers({ tenancy, wake, logger }),
        trim: createTrim({
          tenancy,
          logger,
          settings: { keepDays: env.EVENTS_KEPT_DAYS, heldFor: env.HELD_FOR },
        }),
        deafness: createDeafness({
          tenancy,
          evolution,
          moving,
          wake,
          logger,
          settings: { deafAfter: env.DEAF_AFTER },
        }),
        logger,
        every: env.HOUSEKEEPING,
        deafCheck: env.DEAF_CHECK,
      }),
      jobs: jobWorkers({ jobs, wake, logger, sweepMs }),
      bulks: bulkWorkers({ bulks, logger, sweepMs }),
      media: mediaWorkers({
        fetch: createMediaFetch({
          tenancy,
          client: downloads,
          evolution,
          intake,
          wake,
          logger,
          settings: {
            timeout: env.MEDIA_TIMEOUT,
            tries: env.MEDIA_TRIES,
            perUser: env.MEDIA_PER_USER,
            quota: env.MEDIA_QUOTA,
          },
        }),
        wake,
        logger,
        settings: { concurrency: env.MEDIA_CONCURRENCY, sweepMs },
      }),
      mediaKeep: mediaKeepWorkers({
        keep: createMediaKeep({ tenancy, storage, logger, settings: { orphanAge: ORPHAN_AGE } }),
        logger,
        every: env.HOUSEKEEPING,
      }),
      notes: notesWorkers({ notes, logger, sweepMs }),
      repair: repairWorkers({ repair, logger, sweepMs }),
      nodes: nodeWorkers({
        pairing,
        health,
        wake,
        logger,
        settings: { nodeCheck: env.NODE_CHECK, checksAtOnce: env.MOVE_CONCURRENCY, sweepMs },
      }),
    },
    /** False: what is stored was sealed under another JWT_SECRET, and could not be opened. */
    claimSealing: () => tenancy.claimSealing(sealer.keyIds),
    /** Makes sure of the first admin, where the settings name one. */
    ensureAdmin: async () => {
      const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = env;
      if (email && password && !(await users.ensureAdmin({ email, password })))
        logger.error('ADMIN_EMAIL is registered with another password, and was not made an admin', {
          email,
          remedy: 'If that is your account: npm run admin -- <that address>',
        });
    },
    /** Makes the pool of nodes equal to the configured one. */
    syncNodes: () => tenancy.shared.nodes.sync(env.EVOLUTION_NODES),
    /** Has nodes told anew that post to where this gateway no longer listens. */
    directNodes: () => pairing.askMisdirected(),
    drain: () => messages.drain(),
    async close(): Promise<void> {
      await feed.close();
      evolution.close();
      await store.close();
      webhooks.close();
      mail.close();
      downloads.close();
      storage.close();
      limits.close();
      redis.disconnect();
      subscriber.disconnect();
      await replica?.close();
      await postgres.close();
    },
  };
}
