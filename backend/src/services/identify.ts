import type { KeyObject } from 'node:crypto';
import type { Tenancy } from '../models/index.js';
import { parseApiKey } from '../utils/api-key.js';
import { safeEqual } from '../utils/crypto.js';
import type { Tokens } from './token.js';

/** Who calls: a user, through one of its credentials. */
export interface Identity {
  userId: number;
  scopes: readonly string[] | 'all';
  via: 'key' | 'jwt';
  credentialId: string;
}
export interface Presented {
  bearer?: string | undefined;
  apiKey?: string | undefined;
}

export type Identify = ReturnType<typeof createIdentify>;

/** What is remembered of a credential lives so long: a revocation takes effect within it, with or without Redis. */
const CACHE_MS = 1000;
const CACHE_SIZE = 10_000;

interface KnownKey {
  hash: Buffer;
  identity: Identity;
}
interface KnownUser {
  key: KeyObject;
  tokenVersion: number;
}

/** From a presented secret to its user; null for anything that is not a live credential, whatever is wrong with it. */
export function createIdentify(deps: { tenancy: Pick<Tenancy, 'inTenant' | 'shared'>; tokens: Tokens }) {
  const { tenancy, tokens } = deps;
  const keys = cache<KnownKey | null>();
  const users = cache<KnownUser | null>();

  const loadKey = async (id: string): Promise<KnownKey | null> => {
    const credential = await tenancy.shared.credentials.findByKey(id);
    if (!credential?.secretHash) return null;
    const { userId, secretHash } = credential;
    const grant = await tenancy.inTenant(userId, (models) => models.apiKeys.findGrant(id));
    if (!grant?.isActive) return null;
    return {
      hash: secretHash,
      identity: { userId, scopes: grant.scopes ?? 'all', via: 'key', credentialId: id },
    };
  };

  const loadUser = async (userId: number): Promise<KnownUser | null> => {
    const user = await tenancy.inTenant(userId, (models) => models.users.findSecrets(userId));
    return user?.isActive
      ? { key: tokens.unseal(userId, user.jwtSecret), tokenVersion: user.tokenVersion }
      : null;
  };

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
    return { userId, scopes: 'all', via: 'jwt', credentialId: `jwt:${userId}:${claims.tokenVersion}` };
  }

  return async ({ bearer, apiKey }: Presented): Promise<Identity | null> => {
    if (bearer !== undefined && apiKey !== undefined && bearer !== apiKey) return null;
    const text = bearer ?? apiKey;
    if (text === undefined) return null;
    return text.startsWith('ev_') ? byKey(text) : apiKey === undefined ? byToken(text) : null;
  };
}

/** Remembers answers for CACHE_MS; callers that ask meanwhile share one question. A failed question is not kept. */
function cache<Value>() {
  const entries = new Map<string, { value: Promise<Value>; until: number }>();
  return {
    get(name: string, load: () => Promise<Value>): Promise<Value> {
      const known = entries.get(name);
      if (known && known.until > Date.now()) return known.value;
      if (entries.size >= CACHE_SIZE) entries.clear();
      const value = load();
      entries.set(name, { value, until: Date.now() + CACHE_MS });
      value.catch(() => entries.delete(name));
      return value;
    },
  };
}
