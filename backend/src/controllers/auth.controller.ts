import type { Response } from 'express';
import { toDataURL } from 'qrcode';
import type { Auth } from '../services/auth.js';
import type { Accounts } from '../services/account.js';
import type { Emails } from '../services/email.js';
import type { SecondFactors } from '../services/second-factor.js';
import type { Sessions } from '../services/session.js';
import { isSignedIn, type Req } from '../utils/endpoint.js';
import { mailPage, mailPagePolicy } from '../utils/mail-page.js';
import { Problem } from '../utils/problem.js';
import { originOf } from './origin.js';
import { readName, sendNamedPage, type PageQuery } from './page.js';

export interface RegisterInput {
  body: { username: string; email: string; password: string };
}
export interface LoginInput {
  body: { email: string; password: string; code?: string };
}
export interface ExchangeInput {
  body: { apiKey: string };
}
export interface RefreshInput {
  body: { refreshToken: string };
}
export interface PasswordInput {
  body: { currentPassword: string; newPassword: string; code?: string };
}
export interface ForgotInput {
  body: { email: string };
}
export interface ResetInput {
  body: { token: string; newPassword: string; code?: string };
}
export interface ChangeEmailInput {
  body: { email: string; currentPassword: string; code?: string };
}
export interface ConfirmInput {
  body: { token: string };
}
export interface MailPageInput {
  query: { token: string };
}
export interface SetUpInput {
  body: { currentPassword: string };
}
export interface EnableInput {
  body: { code: string };
}
export interface DisableInput {
  body: { currentPassword: string; code: string };
}
export interface ListSessionsInput {
  query: PageQuery;
}
export interface SessionInput {
  params: { id: string };
}

export const authController = (deps: {
  auth: Auth;
  accounts: Accounts;
  sessions: Sessions;
  emails: Emails;
  secondFactors: SecondFactors;
}) => {
  const { auth, accounts, sessions, emails, secondFactors } = deps;
  return {
    async register(req: Req<RegisterInput>, res: Response) {
      const made = await auth.register(req.input.body, originOf(req));
      await emails.welcome(made.user.id);
      res.status(201).json(made);
    },

    async login(req: Req<LoginInput>, res: Response) {
      res.json(await auth.login(req.input.body, originOf(req)));
    },

    async exchange(req: Req<ExchangeInput>, res: Response) {
      res.json(await auth.exchange(req.input.body.apiKey, originOf(req)));
    },

    async refresh(req: Req<RefreshInput>, res: Response) {
      res.json(await sessions.refresh(req.input.body.refreshToken, originOf(req)));
    },

    async logout(req: Req, res: Response) {
      const { userId, credentialId } = req.caller;
      if (!isSignedIn(req.caller))
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

    forgotPassword(req: Req<ForgotInput>, res: Response) {
      emails.askReset(req.input.body.email, originOf(req));
      res.status(202).end();
    },

    async resetPassword(req: Req<ResetInput>, res: Response) {
      const { userId, issued } = await emails.reset(req.input.body, originOf(req));
      req.affects = [userId];
      res.json(issued);
    },

    async askConfirmation(req: Req, res: Response) {
      await emails.askConfirmation(req.caller.userId);
      res.status(202).end();
    },

    async changeEmail(req: Req<ChangeEmailInput>, res: Response) {
      await emails.askChange(req.caller.userId, req.input.body);
      res.status(202).end();
    },

    async confirmEmail(req: Req<ConfirmInput>, res: Response) {
      const user = await emails.confirm(req.input.body.token);
      req.affects = [user.id];
      res.json(user);
    },

    /** What a link in a mail opens. The token is used by what the page sends, not by looking at it, as mail scanners do. */
    mailPage(_req: Req<MailPageInput>, res: Response) {
      res.setHeader('Content-Security-Policy', mailPagePolicy);
      res.setHeader('Referrer-Policy', 'no-referrer');
      res.type('html').send(mailPage);
    },

    async setUpSecondFactor(req: Req<SetUpInput>, res: Response) {
      const { secret, uri } = await secondFactors.setUp(req.caller.userId, req.input.body.currentPassword);
      res.json({ secret, uri, image: await toDataURL(uri) });
    },

    async enableSecondFactor(req: Req<EnableInput>, res: Response) {
      res.json(await secondFactors.enable(req.caller.userId, req.input.body.code));
    },

    async disableSecondFactor(req: Req<DisableInput>, res: Response) {
      await secondFactors.disable(req.caller.userId, req.input.body);
      res.status(204).end();
    },

    async listSessions(req: Req<ListSessionsInput>, res: Response) {
      const { userId, credentialId } = req.caller;
      const page = { before: readName(req.input.query), limit: req.input.query.limit };
      sendNamedPage(res, await sessions.list(userId, credentialId, page), ({ id }) => id);
    },

    async revokeSession(req: Req<SessionInput>, res: Response) {
      await sessions.revoke(req.caller.userId, req.input.params.id);
      res.status(204).end();
    },
  };
};
