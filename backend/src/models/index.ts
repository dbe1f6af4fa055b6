import type { Db, Postgres } from '../config/postgres.js';
import { limitedPhones } from '../utils/limited.js';
import { apiKeyModel } from './api-key.js';
import { chatModel } from './chat.js';
import { changeModel } from './change.js';
import { auditModel } from './audit.js';
import { bulkModel } from './bulk.js';
import { checkModel } from './check.js';
import { compareModel } from './compare.js';
import { credentialModel } from './credential.js';
import { deafnessModel } from './deafness.js';
import { deliveryModel } from './delivery.js';
import { directoryModel } from './directory.js';
import { erasureModel } from './erasure.js';
import { eventModel } from './event.js';
import { exportModel } from './export.js';
import { historyModel } from './history.js';
import { housekeepingModel } from './housekeeping.js';
import { idempotencyModel } from './idempotency.js';
import { inboundModel } from './inbound.js';
import { jobModel } from './job.js';
import { laneModel } from './lane.js';
import { mailTokenModel } from './mail-token.js';
import { mediaModel } from './media.js';
import { messageModel } from './message.js';
import { moveModel } from './move.js';
import { nodeModel } from './node.js';
import { numberCheckModel } from './number-check.js';
import { peopleModel } from './people.js';
import { phoneModel } from './phone.js';
import { placementModel } from './placement.js';
import { progressModel } from './progress.js';
import { quotaModel } from './quota.js';
import { removalModel } from './removal.js';
import { sealedModel } from './sealed.js';
import { secondFactorModel } from './second-factor.js';
import { sessionModel } from './session.js';
import { sealingKeyModel } from './sealing-key.js';
import { userModel } from './user.js';
import { webhookModel } from './webhook.js';

/** Every model, by its name. */
export const MODELS = {
  apiKeys: apiKeyModel,
  audit: auditModel,
  chats: chatModel,
  changes: changeModel,
  bulks: bulkModel,
  checks: checkModel,
  compares: compareModel,
  deafness: deafnessModel,
  deliveries: deliveryModel,
  directory: directoryModel,
  erasures: erasureModel,
  events: eventModel,
  exports: exportModel,
  history: historyModel,
  housekeeping: housekeepingModel,
  idempotency: idempotencyModel,
  inbound: inboundModel,
  jobs: jobModel,
  lanes: laneModel,
  mailTokens: mailTokenModel,
  media: mediaModel,
  messages: messageModel,
  moves: moveModel,
  nodes: nodeModel,
  numberChecks: numberCheckModel,
  people: peopleModel,
  phones: phoneModel,
  placements: placementModel,
  progress: progressModel,
  quotas: quotaModel,
  removal: removalModel,
  sealed: sealedModel,
  secondFactors: secondFactorModel,
  sessions: sessionModel,
  users: userModel,
  webhooks: webhookModel,
};
export type Models = { readonly [Name in keyof typeof MODELS]: ReturnType<(typeof MODELS)[Name]> };

/** Makes each model when it is first asked for: a transaction uses a few of them. */
class ModelsOn {
  constructor(readonly db: Db) {}
}
for (const name of Object.keys(MODELS) as (keyof typeof MODELS)[])
  Object.defineProperty(ModelsOn.prototype, name, {
    get(this: ModelsOn) {
      const value = MODELS[name](this.db);
      Object.defineProperty(this, name, { value });
      return value;
    },
  });

/** All models over one connection: a tenant's rows are in reach only when that connection is in its context. */
export const createModels = (db: Db): Models => new ModelsOn(db) as unknown as Models;

/**
 * What works across tenants, by name: sign-in, keys, placements (credentials), claims, nodes, acceptance in groups.
 * It sees ids, hashes and times; `messages.accept` sets its own context for the users of its batch.
 */
const createShared = (db: Db) => {
  const {
    audit,
    bulks,
    checks,
    compares,
    deliveries,
    history,
    housekeeping,
    jobs,
    lanes,
    media,
    messages,
    nodes,
    sealed,
    users,
  } = createModels(db);
  return {
    credentials: credentialModel(db),
    checks,
    compares,
    latestAudit: audit.latest,
    jobs: { renew: jobs.renew, finish: jobs.finish },
    nodes,
    claims: {
      sends: lanes.claimSends,
      expiredLanes: lanes.claimExpired,
      expiredHeads: lanes.listExpiredHeads,
      deliveries: deliveries.claim,
      bulks: bulks.claim,
      media: media.claim,
      compares: compares.claim,
      jobs: jobs.claim,
    },
    accept: messages.accept,
    reserveUserId: users.reserveId,
    sealedOfNodes: sealed,
    userIds: housekeeping.userIds,
    unnoted: history.listUnnoted,
    clearHeads: lanes.clearHeads,
  };
};

export type Tenancy = ReturnType<typeof createTenancy>;

/**
 * The doors to tenants' rows, and the named exceptions. `replica` serves what only reads, where there is one. What is done
 * for one user for a caller that is limited to some phones reaches no other; work for many users is nobody's request.
 */
export const createTenancy = (postgres: Postgres, replica: Pick<Postgres, 'read'> = postgres) => ({
  inTenant: <T>(userId: number, work: (models: Models) => Promise<T>): Promise<T> =>
    postgres.transaction([userId], (db) => work(createModels(db)), limitedPhones()),

  inTenants: <T>(userIds: readonly number[], work: (models: Models) => Promise<T>): Promise<T> =>
    postgres.transaction(userIds, (db) => work(createModels(db))),

  /** As `inTenants`; null when a row that it needs stays another's for so long: then nothing was done. */
  tryInTenants: <T>(
    userIds: readonly number[],
    patienceMs: number,
    work: (models: Models) => Promise<T>,
  ): Promise<T | null> => postgres.tryTransaction(userIds, patienceMs, (db) => work(createModels(db))),

  /** For lists and searches: nothing can be written, and a replica may answer. Sees every write answered before. */
  reading: <T>(userId: number, work: (models: Models) => Promise<T>): Promise<T> =>
    replica.read([userId], (db) => work(createModels(db)), limitedPhones()),

  /** The same for many at once: work for many users is nobody's request, and knows no limit. */
  readingMany: <T>(userIds: readonly number[], work: (models: Models) => Promise<T>): Promise<T> =>
    replica.read(userIds, (db) => work(createModels(db))),

  shared: createShared(postgres),

  /** Whether a process that seals and opens with these keys may work on this database; see the model. */
  claimSealing: (ids: readonly string[]): Promise<boolean> =>
    postgres.transaction([], (db) => sealingKeyModel(db).claim(ids)),

  /** Only `id` seals what is in this database. */
  keepSealing: (id: string): Promise<void> =>
    postgres.transaction([], (db) => sealingKeyModel(db).keepOnly(id)),

  ping: postgres.ping,
});
