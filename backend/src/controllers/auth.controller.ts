import type { Response } from 'express';
import type { Auth } from '../services/auth.js';
import type { Accounts } from '../services/account.js';
import type { Sessions } from '../services/session.js';
import type { Req } from '../utils/endpoint.js';
import { Problem } from '../utils/problem.js';
import { originOf } from './origin.js';

export interface RegisterInput {
  body: { username: string; email: string; password: string };
}
export interface LoginInput {
  body: { email: string; password: string };
}
export interface ExchangeInput {
  body: { apiKey: string };
}
export interface RefreshInput {
  body: { refreshToken: string };
}
export interface PasswordInput {
  body: { currentPassword: string; newPassword: string };
}
export interface SessionInput {
  params: { id: string };
}

export const authController = (deps: { auth: Auth; accounts: Accounts; sessions: Sessions }) => {
  const { auth, accounts, sessions } = deps;
  return {
    async register(req: Req<RegisterInput>, res: Response) {
      res.status(201).json(await auth.register(req.input.body, originOf(req)));
    },

    async login(req: Req<LoginInput>, res: Response) {
      res.json(await auth.login(req.input.body, originOf(req)));
    },

    async exchange(req: Req<ExchangeInput>, res: Response) {
      res.json(await auth.exchange(req.input.body.apiKey));
    },

    async refresh(req: Req<RefreshInput>, res: Response) {
      res.json(await sessions.refresh(req.input.body.refreshToken));
    },

    async logout(req: Req, res: Response) {
      const { userId, credentialId } = req.caller;
      if (!credentialId.startsWith('ses_'))
        throw new Problem('conflict', 'This credential is of no session; a key is revoked, not signed out');
      await sessions.revoke(userId, credentialId);
      res.status(204).end();
    },

    async logoutAll(req: Req, res: Response) {
      await accounts.signOutEverywhere(req.caller.userId);
      res.status(204).end();
    },

    async changePassword(req: Req<PasswordInput>, res: Response) {
      res.json(await accounts.changePassword(req.caller.userId, req.input.body, originOf(req)));
    },

    async listSessions(req: Req, res: Response) {
      res.json({ data: await sessions.list(req.caller.userId, req.caller.credentialId) });
    },

    async revokeSession(req: Req<SessionInput>, res: Response) {
      await sessions.revoke(req.caller.userId, req.input.params.id);
      res.status(204).end();
    },
  };
};
