import type { KeyObject } from 'node:crypto';
import type { ApiKeyGrant } from '../models/api-key.js';
import type { Models, Tenancy } from '../models/index.js';
import { parseApiKey } from '../utils/api-key.js';
import { cache } from '../utils/cache.js';
import { safeEqual } from '../utils/crypto.js';
import { SCOPES_OF_PHONES } from '../utils/scope.js';
import type { Tokens } from './token.js';

/** Who calls: a user, through one of its credentials. */
export interface Identity {
  userId: number;
  scopes: readonly string[] | 'all';
  isAdmin: boolean;
  via: 'key' | 'jwt';
  /** The key's id, also of a token that was made of it, or the session's. */
  credentialId: string;
  /** CIDRs from which a key may be used; null: from anywhere. */
  allowedIps: readonly string[] | null;
  /** The phones that the credential is limited to; null: all of its user's. */
  phoneIds: readonly number[] | null;
  /** Messages of its user in a day; undefined: as the settings say, 0: as many as they like. */
  messagesPerDay: number | undefined;
}
export interface Presented {
  bearer?: string | undefined;
  apiKey?: string | undefined;
}

export type Identify = ReturnType<typeof createIdentify>;

/** Whoever was identified, by what they presented. */
export interface Held {
  presented: Presented;
  identity: Identity;
}

/** How the ids of sessions begin. */
const SESSION = 'ses_';

/**
 * What is remembered of a credential lives so long: a revocation takes effect everywhere within a second, with or without
 * Redis, also where the question was under way.
 */
const CACHE = { ms: 750, size: 10_000 };
/** Milliseconds: so seldom, at most, a wrong token makes its user be looked up again. */
const SECOND_LOOK_MS = 100;

interface KnownKey {
  hash: Buffer;
  identity: Identity;
}
interface KnownUser {
  /** Of which `key` was made. */
  sealed: string;
  key: KeyObject;
  tokenVersion: number;
  isAdmin: boolean;
  messagesPerDay: number | undefined;
}

/** What a key that was given these scopes may do. */
const grantOf = ({
  scopes,
  role,
  allowedIps,
  phoneIds,
  quotas,
}: Pick<ApiKeyGrant, 'scopes' | 'role' | 'allowedIps' | 'phoneIds' | 'quotas'>) => ({
  messagesPerDay: quotas.messagesPerDay,
  allowedIps,
  phoneIds,
  scopes: phoneIds
    ? SCOPES_OF_PHONES.filter((one) => scopes?.includes(one) ?? true)
    : (scopes ?? ('all' as const)),
  isAdmin: role === 'admin' && !phoneIds && (scopes?.includes('admin') ?? false),
});

const partition = <T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] => [
  all.filter(isFirst),
  all.filter((one) => !isFirst(one)),
];

/** From a presented secret to its user; null for anything that is not a live credential, whatever is wrong with it. */
export function createIdentify(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'shared'>;
  tokens: Tokens;
  /** Notes that a session was seen; told at most once a second of each. */
  noteSeen: (sessionId: string) => void;
}) {
  const { tenancy, tokens, noteSeen } = deps;
  const keys = cache<KnownKey | null>(CACHE);
  const users = cache<KnownUser | null>(CACHE);
  /** Whether sessions live. */
  const sessions = cache<boolean>(CACHE);

  const loadKey = async (id: string): Promise<KnownKey | null> => {
    const credential = await tenancy.shared.credentials.findByKey(id);
    if (!credential?.secretHash) return null;
    const { userId, secretHash } = credential;
    const grant = await tenancy.inTenant(userId, async (models) => {
      const found = await models.apiKeys.findGrant(id);
      if (found) await models.apiKeys.touch(id);
      return found;
    });
    if (!grant?.isActive) return null;
    return {
      hash: secretHash,
      identity: { userId, ...grantOf(grant), via: 'key', credentialId: id },
    };
  };

  const loadUser = async (userId: number): Promise<KnownUser | null> => {
    const user = await tenancy.inTenant(userId, (models) => models.users.findSecrets(userId));
    return user?.isActive
      ? {
          sealed: user.jwtSecret,
          key: tokens.unseal(userId, user.jwtSecret),
          tokenVersion: user.tokenVersion,
          isAdmin: user.role === 'admin',
          messagesPerDay: user.quotas.messagesPerDay,
        }
      : null;
  };

  const loadSession = (userId: number, id: string): Promise<boolean> =>
    tenancy.inTenant(userId, async (models) => {
      const isLive = (await models.sessions.listLive([id])).length > 0;
      if (isLive) {
        noteSeen(id);
        await models.sessions.touch(id);
      }
      return isLive;
    });

  async function primeSessions(models: Models, ids: readonly string[]): Promise<void> {
    const live = new Set(await models.sessions.listLive(ids));
    for (const id of ids) sessions.put(id, live.has(id));
  }

  async function primeUsers(models: Models, ids: readonly number[]): Promise<void> {
    const rows = new Map((await models.users.listTokenSecrets(ids)).map((row) => [row.id, row]));
    for (const id of ids) {
      const row = rows.get(id);
      const known = await users.last(String(id));
      if (!row?.isActive) users.put(String(id), null);
      else {
        const { jwtSecret: sealed, tokenVersion, role, quotas } = row;
        const key = known?.sealed === sealed ? known.key : tokens.unseal(id, sealed);
        const { messagesPerDay } = quotas;
        users.put(String(id), { sealed, key, tokenVersion, isAdmin: role === 'admin', messagesPerDay });
      }
    }
  }

  async function primeKeys(models: Models, ids: readonly string[]): Promise<void> {
    const rows = new Map((await models.apiKeys.listGrants(ids)).map((row) => [row.id, row]));
    for (const id of ids) {
      const row = rows.get(id);
      if (!row?.isActive) keys.put(id, null);
      else {
        const { userId, hash } = row;
        keys.put(id, { hash, identity: { userId, ...grantOf(row), via: 'key', credentialId: id } });
      }
    }
  }

  /** Learns anew, with two questions for all, what identifying these again will ask for. */
  async function prime(held: readonly Held[]): Promise<void> {
    const all = held.map(({ identity }) => identity);
    const userIds = [...new Set(all.map(({ userId }) => userId))];
    await tenancy.inTenants(userIds, async (models) => {
      const byToken = all.filter(({ via }) => via === 'jwt').map(({ userId }) => userId);
      const credentialIds = [...new Set(all.map(({ credentialId }) => credentialId))];
      const [signedIn, byKey] = partition(credentialIds, (id) => id.startsWith(SESSION));
      if (byToken.length > 0) await primeUsers(models, [...new Set(byToken)]);
      if (signedIn.length > 0) await primeSessions(models, signedIn);
      if (byKey.length > 0) await primeKeys(models, byKey);
    });
  }

  async function byKey(text: string): Promise<Identity | null> {
    const parsed = parseApiKey(text);
    if (!parsed) return null;
    const known = await keys.get(parsed.id, () => loadKey(parsed.id));
    return known && safeEqual(known.hash, parsed.hash) ? known.identity : null;
  }

  /** A token's user and claims, by what is known of the user since so long; null: it does not hold. */
  async function verified(token: string, userId: number, youngMs: number) {
    const user = await users.get(String(userId), () => loadUser(userId), youngMs);
    const claims = user && tokens.verify(token, user.key);
    const isRight = claims?.userId === userId && claims.tokenVersion === user?.tokenVersion;
    return user && claims && isRight ? { user, claims } : null;
  }

  /** A token of a key is no more than that key, and goes with it. */
  async function byKeyOfToken(userId: number, keyId: string): Promise<Identity | null> {
    const key = await keys.get(keyId, () => loadKey(keyId));
    return key?.identity.userId === userId ? { ...key.identity, via: 'jwt' } : null;
  }

  async function byToken(token: string): Promise<Identity | null> {
    const userId = tokens.claimedUser(token);
    if (userId === null) return null;
    // A token may be younger than what is remembered of its user, whose secret has just changed.
    const known =
      (await verified(token, userId, CACHE.ms)) ?? (await verified(token, userId, SECOND_LOOK_MS));
    if (!known) return null;
    const { user, claims } = known;
    const { sessionId, keyId } = claims;
    if (keyId) return byKeyOfToken(userId, keyId);
    if (!sessionId || !(await sessions.get(sessionId, () => loadSession(userId, sessionId)))) return null;
    const { isAdmin, messagesPerDay } = user;
    return {
      userId,
      scopes: 'all',
      isAdmin,
      via: 'jwt',
      credentialId: sessionId,
      allowedIps: null,
      phoneIds: null,
      messagesPerDay,
    };
  }

  const identify = async ({ bearer, apiKey }: Presented): Promise<Identity | null> => {
    if (bearer !== undefined && apiKey !== undefined && bearer !== apiKey) return null;
    const text = bearer ?? apiKey;
    if (text === undefined) return null;
    return text.startsWith('ev_') ? byKey(text) : apiKey === undefined ? byToken(text) : null;
  };
  /** What this process remembers of a user (a number), a key or a session is asked for anew. */
  const forget = (id: number | string): void => {
    for (const known of [users, keys, sessions]) known.forget(String(id));
  };
  return Object.assign(identify, { prime, forget });
}
