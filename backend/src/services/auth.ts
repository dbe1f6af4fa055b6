import type { Tenancy } from '../models/index.js';
import type { User } from '../models/user.js';
import { createApiKey } from '../utils/api-key.js';
import { isFromThere } from '../utils/network.js';
import { Problem } from '../utils/problem.js';
import type { Identify } from './identify.js';
import type { Proofs } from './proof.js';
import type { SecondFactors } from './second-factor.js';
import type { Issued, Origin, Sessions } from './session.js';
import type { Tokens } from './token.js';

export interface UserView {
  id: number;
  username: string;
  email: string;
  role: string;
  isActive: boolean;
  isEmailVerified: boolean;
  hasSecondFactor: boolean;
  createdAt: string;
}
export interface Exchanged {
  /** All of it where the key may read the account. */
  user: Pick<UserView, 'id'> & Partial<UserView>;
  token: string;
  /** Seconds. */
  expiresIn: number;
}
export type SignedIn = { user: UserView } & Issued;

export type Auth = ReturnType<typeof createAuth>;

export const userView = (user: User): UserView => ({
  id: user.id,
  username: user.username,
  email: user.email,
  role: user.role,
  isActive: user.isActive,
  isEmailVerified: user.isEmailVerified,
  hasSecondFactor: user.hasSecondFactor,
  createdAt: user.createdAt.toISOString(),
});

export function createAuth(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  passwords: {
    hash(password: string): Promise<string>;
    verify(password: string, hash: string | null): Promise<boolean>;
  };
  proofs: Pick<Proofs, 'hold'>;
  tokens: Pick<Tokens, 'issue' | 'newSecret'>;
  sessions: Pick<Sessions, 'begin'>;
  secondFactors: Pick<SecondFactors, 'count' | 'demand'>;
  identify: Identify;
}) {
  const { tenancy, passwords, proofs, tokens, sessions, secondFactors, identify } = deps;

  const secretsOf = (userId: number) =>
    tenancy.inTenant(userId, (models) => models.users.findSecrets(userId));

  const alreadyRegistered = async (email: string): Promise<Problem> => {
    const field = (await tenancy.shared.credentials.findByEmail(email)) ? 'email' : 'username';
    const detail = `This ${field} is registered already`;
    return new Problem('already_registered', detail, {
      errors: [{ pointer: `/${field}`, code: 'taken', detail }],
    });
  };

  return {
    /** Problems: already_registered (names the field), unavailable when too many passwords wait to be hashed. */
    async register(
      request: {
        username: string;
        email: string;
        password: string;
      },
      origin: Origin,
    ): Promise<SignedIn & { apiKey: string }> {
      const passwordHash = await passwords.hash(request.password);
      const id = await tenancy.shared.reserveUserId();
      const apiKey = createApiKey();
      const jwtSecret = tokens.newSecret(id);
      const made = await tenancy.inTenant(id, async (models) => {
        const user = await models.users.create({
          ...request,
          id,
          passwordHash,
          apiKeyHash: apiKey.hash,
          jwtSecret,
        });
        if (!user) return null;
        await models.apiKeys.create({ id: apiKey.id, userId: id, name: 'First key', hash: apiKey.hash });
        return { user, issued: await sessions.begin(models, { id, jwtSecret, tokenVersion: 1 }, origin) };
      });
      if (!made) throw await alreadyRegistered(request.email);
      return { user: userView(made.user), apiKey: apiKey.key, ...made.issued };
    },

    /**
     * Unknown e-mail, wrong password and disabled user take the same time and say the same. Problems: unauthenticated,
     * second_factor_required, too_many_requests (codes that were tried).
     */
    async login(
      request: { email: string; password: string; code?: string },
      origin: Origin,
    ): Promise<SignedIn> {
      const credential = await tenancy.shared.credentials.findByEmail(request.email);
      const user = credential && (await secretsOf(credential.userId));
      const isRight = await passwords.verify(request.password, user?.passwordHash ?? null);
      const refuse = () => new Problem('unauthenticated', 'The e-mail or the password is wrong');
      if (!user || !isRight || !user.isActive) throw refuse();
      await secondFactors.count(user, request.code);
      const issued = await tenancy.inTenant(user.id, async (models) => {
        const held = await proofs.hold(models, user);
        if (!held) throw refuse();
        await secondFactors.demand(models, user.id, request.code);
        return sessions.begin(models, held, origin);
      });
      return { user: userView(user), ...issued };
    },

    /** Whether the user of that address was ever signed in from there. */
    async isKnownPlace(email: string, ip: string): Promise<boolean> {
      const known = await tenancy.shared.credentials.findByEmail(email);
      if (!known) return false;
      return tenancy.inTenant(known.userId, (models) => models.sessions.isKnownPlace(known.userId, ip));
    },

    /**
     * A key for a token, for clients that want to hold a secret that expires. It may do what the key may, from where it may,
     * as long as the key lives. Problem: unauthenticated.
     */
    async exchange(apiKey: string, { ip }: Origin): Promise<Exchanged> {
      const caller = await identify({ apiKey });
      const isAllowed = caller && isFromThere(ip ?? undefined, caller.allowedIps);
      const found =
        isAllowed &&
        (await tenancy.inTenant(caller.userId, async (models) => {
          const user = await models.users.findSecrets(caller.userId);
          const key = await models.apiKeys.find(caller.credentialId);
          return user && key && { user, key };
        }));
      if (!found) throw new Problem('unauthenticated', 'The API key is wrong');
      const { user, key } = found;
      const mayRead = caller.scopes === 'all' || caller.scopes.includes('account:read');
      return {
        user: mayRead ? userView(user) : { id: user.id },
        ...tokens.issue(user, { keyId: key.id, expiresAt: key.expiresAt }),
      };
    },
  };
}
