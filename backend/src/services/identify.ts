import type { KeyObject } from 'node:crypto';
import type { ApiKeyGrant } from '../models/api-key.js';
import type { Models, Tenancy } from '../models/index.js';
import { parseApiKey } from '../utils/api-key.js';
import { cache } from '../utils/cache.js';
import { safeEqual } from '../utils/crypto.js';
import type { Tokens } from './token.js';

/** Who calls: a user, through one of its credentials. */
export interface Identity {
  userId: number;
  scopes: readonly string[] | 'all';
  isAdmin: boolean;
  via: 'key' | 'jwt';
  credentialId: string;
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

/** What is remembered of a credential lives so long: a revocation takes effect within it, with or without Redis. */
const CACHE = { ms: 1000, size: 10_000 };

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
}

/** What a key that was given these scopes may do. */
const grantOf = ({ scopes, role }: Pick<ApiKeyGrant, 'scopes' | 'role'>) => ({
  scopes: scopes ?? ('all' as const),
  isAdmin: role === 'admin' && (scopes?.includes('admin') ?? false),
});

/** From a presented secret to its user; null for anything that is not a live credential, whatever is wrong with it. */
export function createIdentify(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'shared'>;
  tokens: Tokens;
}) {
  const { tenancy, tokens } = deps;
  const keys = cache<KnownKey | null>(CACHE);
  const users = cache<KnownUser | null>(CACHE);

  const loadKey = async (id: string): Promise<KnownKey | null> => {
    const credential = await tenancy.shared.credentials.findByKey(id);
    if (!credential?.secretHash) return null;
    const { userId, secretHash } = credential;
    const grant = await tenancy.inTenant(userId, (models) => models.apiKeys.findGrant(id));
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
        }
      : null;
  };

  async function primeUsers(models: Models, ids: readonly number[]): Promise<void> {
    const rows = new Map((await models.users.listTokenSecrets(ids)).map((row) => [row.id, row]));
    for (const id of ids) {
      const row = rows.get(id);
      const known = await users.last(String(id));
      if (!row?.isActive) users.put(String(id), null);
      else {
        const { jwtSecret: sealed, tokenVersion, role } = row;
        const key = known?.sealed === sealed ? known.key : tokens.unseal(id, sealed);
        users.put(String(id), { sealed, key, tokenVersion, isAdmin: role === 'admin' });
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
      const byKey = all.filter(({ via }) => via === 'key').map(({ credentialId }) => credentialId);
      if (byToken.length > 0) await primeUsers(models, [...new Set(byToken)]);
      if (byKey.length > 0) await primeKeys(models, [...new Set(byKey)]);
    });
  }

  async function byKey(text: string): Promise<Identity | null> {
    const parsed = parseApiKey(text);
    if (!parsed) return null;
    const known = await keys.get(parsed.id, () => loadKey(parsed.id));
    return known && safeEqual(known.hash, parsed.hash) ? known.identity : null;
  }

  async function byToken(token: string): Promise<Identity | null> {
    const userId = tokens.claimedUser(token);
    if (userId === null) return null;
    const user = await users.get(String(userId), () => loadUser(userId));
    const claims = user && tokens.verify(token, user.key);
    if (!claims || claims.userId !== userId || claims.tokenVersion !== user.tokenVersion) return null;
    const { isAdmin } = user;
    return {
      userId,
      scopes: 'all',
      isAdmin,
      via: 'jwt',
      credentialId: `jwt:${userId}:${claims.tokenVersion}`,
    };
  }

  const identify = async ({ bearer, apiKey }: Presented): Promise<Identity | null> => {
    if (bearer !== undefined && apiKey !== undefined && bearer !== apiKey) return null;
    const text = bearer ?? apiKey;
    if (text === undefined) return null;
    return text.startsWith('ev_') ? byKey(text) : apiKey === undefined ? byToken(text) : null;
  };
  return Object.assign(identify, { prime });
}
