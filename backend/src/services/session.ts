import type { SessionSight } from '../clients/session-sight.js';
import type { Tenancy } from '../models/index.js';
import type { Models } from '../models/index.js';
import type { Session } from '../models/session.js';
import { publicId, safeEqual, sha256, type Minter } from '../utils/crypto.js';
import { Problem } from '../utils/problem.js';
import { byAnybody } from './audit.js';
import type { Tokens } from './token.js';

/** From where somebody asks. */
export interface Origin {
  ip: string | null;
  /** As it calls itself. */
  device: string | null;
}

export interface Issued {
  token: string;
  /** Seconds. */
  expiresIn: number;
  refreshToken: string;
  refreshExpiresIn: number;
}

export interface SessionView {
  id: string;
  device: string | null;
  ip: string | null;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
  /** The one that asks. */
  isCurrent: boolean;
}

export type Sessions = ReturnType<typeof createSessions>;

const REFRESH = /^rt_(\d{1,16})_(ses_[0-9a-z]{26})_([\w-]{43})$/;
const MAX_DEVICE = 200;

/** Where users are signed in: a token names its session, and ends with it. */
export function createSessions(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  tokens: Pick<Tokens, 'issue'>;
  sight: Pick<SessionSight, 'latest'>;
  minter: Minter;
  /** What is remembered of a session in this process does not hold any more. */
  forget: (sessionId: string) => void;
  /** Seconds after its last use that a session lives. */
  lifetime: number;
}) {
  const { tenancy, tokens, sight, minter, forget, lifetime } = deps;

  /** The user's id and the session's are in it, as they are all there is to find the row behind row-level security. */
  const refreshToken = (userId: number, id: string, secret: string): string => `rt_${userId}_${id}_${secret}`;

  const issued = (
    user: { id: number; jwtSecret: string; tokenVersion: number },
    id: string,
    secret: string,
  ): Issued => ({
    ...tokens.issue(user, { sessionId: id }),
    refreshToken: refreshToken(user.id, id, secret),
    refreshExpiresIn: lifetime,
  });

  return {
    /** In the caller's transaction. */
    async begin(
      models: Pick<Models, 'sessions'>,
      user: { id: number; jwtSecret: string; tokenVersion: number },
      { ip, device }: Origin,
    ): Promise<Issued> {
      const id = publicId('ses');
      const secret = minter.mint(id);
      await models.sessions.create({
        id,
        userId: user.id,
        refreshHash: sha256(secret),
        device: device && device.slice(0, MAX_DEVICE),
        ip,
        lifetime,
      });
      return issued(user, id, secret);
    },

    /**
     * A new token and a new refresh token for one that was not used yet. One that was ends the session: somebody else has
     * it, and nobody can tell who is who. The session is where it was refreshed last. Problem: unauthenticated.
     */
    async refresh(text: string, { ip }: Origin): Promise<Issued> {
      const [, owner, id, secret] = REFRESH.exec(text) ?? [];
      const refuse = () => new Problem('unauthenticated', 'The refresh token is wrong or was used');
      if (!owner || !id || !secret) throw refuse();
      const userId = Number(owner);
      const renewed = await tenancy.inTenant(userId, async (models) => {
        const user = await models.users.findSecrets(userId);
        const session = user?.isActive ? await models.sessions.findForUpdate(id) : null;
        if (!user || !session) return null;
        if (!safeEqual(session.refreshHash, sha256(secret))) {
          // One that was never given to anybody proves no theft: whoever knows a session's id could end it with that.
          if (!minter.isOurs(secret, id)) return null;
          await models.sessions.revoke(id, 'refresh_reused');
          const reused = { ...byAnybody('POST /api/auth/refresh', userId), credential: id, target: id };
          await models.audit.append({ ...reused, status: 401, ip });
          return null;
        }
        const next = minter.mint(id);
        await models.sessions.setRefresh(id, { refreshHash: sha256(next), ip, lifetime });
        return issued(user, id, next);
      });
      if (!renewed) throw refuse();
      return renewed;
    },

    /** The latest first. */
    async list(
      userId: number,
      current: string,
      page: { before: string | undefined; limit: number },
    ): Promise<{ data: SessionView[]; hasMore: boolean }> {
      const found = await tenancy.inTenant(userId, (models) =>
        models.sessions.list({ ...page, limit: page.limit + 1 }),
      );
      const rows = found.slice(0, page.limit);
      const seen = await sight.latest(rows.map(({ id }) => id));
      const latest = (row: Session, at: Date | null) => (at && at > row.lastSeenAt ? at : row.lastSeenAt);
      const data = rows.map((row, i) => view({ ...row, lastSeenAt: latest(row, seen[i] ?? null) }, current));
      return { data, hasMore: found.length > page.limit };
    },

    /** Problem: not_found. */
    async revoke(userId: number, id: string): Promise<void> {
      const isEnded = await tenancy.inTenant(userId, (models) => models.sessions.revoke(id, 'signed_out'));
      if (!isEnded) throw new Problem('not_found', `There is no session ${id}`);
      forget(id);
    },
  };
}

const view = (session: Session, current: string): SessionView => ({
  id: session.id,
  device: session.device,
  ip: session.ip,
  createdAt: session.createdAt.toISOString(),
  lastSeenAt: session.lastSeenAt.toISOString(),
  expiresAt: session.expiresAt.toISOString(),
  isCurrent: session.id === current,
});
