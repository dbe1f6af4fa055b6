import type { MailClient } from '../clients/mail.client.js';
import type { Models, Tenancy } from '../models/index.js';
import { Problem } from '../utils/problem.js';
import { userView, type UserView } from './auth.js';
import { byAnybody } from './audit.js';
import { claimedUser, isMailTokenLive, issueMailToken, useMailToken } from './mail-token.js';
import type { Notices } from './notice.js';
import type { Proofs } from './proof.js';
import type { SecondFactors } from './second-factor.js';
import type { Issued, Origin, Sessions } from './session.js';
import type { Tokens } from './token.js';

export type Emails = ReturnType<typeof createEmails>;

/** Seconds. */
const HOUR = 3600;

const stale = () =>
  new Problem(
    'unprocessable',
    'This link was used, has expired or was replaced by a newer one, or is not whole',
    {
      errors: [
        {
          pointer: '/token',
          code: 'stale',
          detail: 'token was used, has expired or was replaced, or is not whole',
        },
      ],
    },
  );

/** What is done by mail: confirming an address, changing it, and setting a password that was forgotten. */
export function createEmails(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  mail: Pick<MailClient, 'isOn' | 'post'>;
  passwords: { hash(password: string): Promise<string> };
  proofs: Pick<Proofs, 'of' | 'use'>;
  tokens: Pick<Tokens, 'newSecret'>;
  sessions: Pick<Sessions, 'begin'>;
  notices: Notices;
  secondFactors: Pick<SecondFactors, 'count' | 'demand'>;
  /** What is remembered of a user in this process does not hold any more. */
  forget: (userId: number) => void;
  serverUrl: string;
}) {
  const { tenancy, mail, passwords, proofs, tokens, sessions, notices, secondFactors, forget } = deps;
  const base = deps.serverUrl.replace(/\/$/, '');

  function refuseOff(): void {
    if (!mail.isOn) throw new Problem('mail_off');
  }

  async function postConfirmation(
    models: Pick<Models, 'mailTokens'>,
    to: { userId: number; email: string; username: string },
  ): Promise<void> {
    const token = await issueMailToken(models, { userId: to.userId, purpose: 'confirm', email: to.email });
    if (token === null)
      throw new Problem('too_many_requests', 'Enough mails were sent; look for them, or try again later', {
        retryAfter: HOUR,
      });
    mail.post({
      to: to.email,
      subject: 'Confirm your e-mail address',
      text: `Hello ${to.username},\n\nopen this link to confirm that this address is yours:\n\n${base}/api/auth/email?token=${token}\n\nIt works once, for two days. If you did not ask for it, do nothing.\n`,
    });
  }

  async function postReset(email: string, { ip }: Origin): Promise<void> {
    const known = await tenancy.shared.credentials.findByEmail(email);
    if (!known) return;
    const { userId } = known;
    await tenancy.inTenant(userId, async (models) => {
      const user = await models.users.find(userId);
      if (!user?.isActive) return;
      const token = await issueMailToken(models, { userId, purpose: 'reset', email: user.email });
      if (token === null) return;
      await models.audit.append({ ...byAnybody('POST /api/auth/password/forgot', userId), status: 202, ip });
      mail.post({
        to: user.email,
        subject: 'Set a new password',
        text: `Hello ${user.username},\n\nopen this link to set a new password:\n\n${base}/api/auth/password/reset?token=${token}\n\nIt works once, for an hour. If you did not ask for it, do nothing: your password stays as it is.\n`,
      });
    });
  }

  /**
   * Whoever registered with an address that was never theirs may have left doors in the account that its owner is about to
   * take: keys, webhooks, a second factor of their own.
   */
  async function clearOut(models: Models, userId: number): Promise<void> {
    await models.apiKeys.revokeAll(userId);
    await models.webhooks.removeAll(userId);
    await models.secondFactors.setSecret(userId, null);
  }

  return {
    /** After a registration, where mail is on. */
    async welcome(userId: number): Promise<void> {
      if (mail.isOn) await this.askConfirmation(userId);
    },

    /** Problems: mail_off, conflict (it is confirmed), too_many_requests. */
    async askConfirmation(userId: number): Promise<void> {
      refuseOff();
      await tenancy.inTenant(userId, async (models) => {
        const user = (await models.users.find(userId))!;
        if (user.isEmailVerified) throw new Problem('conflict', `${user.email} is confirmed already`);
        await postConfirmation(models, { userId, email: user.email, username: user.username });
      });
    },

    /**
     * The address changes when the link that is sent to the new one is opened. Problems: mail_off, unprocessable,
     * second_factor_required, too_many_requests.
     */
    async askChange(
      userId: number,
      request: { email: string; currentPassword: string; code?: string },
    ): Promise<void> {
      refuseOff();
      const user = await proofs.of(userId, request.currentPassword);
      await secondFactors.count(user, request.code);
      await proofs.use(user, async (models) => {
        await secondFactors.demand(models, userId, request.code);
        await postConfirmation(models, { userId, email: request.email, username: user.username });
      });
    },

    /** Problems: unprocessable (the link), already_registered (somebody took the address meanwhile). */
    async confirm(token: string): Promise<UserView> {
      const userId = claimedUser(token);
      if (userId === null) throw stale();
      const { user, former } = await tenancy.inTenant(userId, async (models) => {
        const email = await useMailToken(models, token, 'confirm');
        const before = await models.users.find(userId);
        if (email === null || !before?.isActive) throw stale();
        if (!(await models.users.setEmail(userId, email))) {
          const detail = 'This email is registered already';
          throw new Problem('already_registered', detail, {
            errors: [{ pointer: '/email', code: 'taken', detail }],
          });
        }
        return { user: (await models.users.find(userId))!, former: before.email };
      });
      if (former !== user.email) notices.tell({ ...user, email: former }, 'address');
      return userView(user);
    },

    /** Answers alike, and as soon, whether or not somebody has that address. Problem: mail_off. */
    askReset(email: string, origin: Origin): void {
      refuseOff();
      setImmediate(() => {
        postReset(email, origin).catch(() => undefined);
      });
    },

    /**
     * Ends every session and every token, and begins one: whoever opens the link has the mailbox, and says the second factor
     * where there is one. Problems: unprocessable (the link), second_factor_required, too_many_requests.
     */
    async reset(
      request: { token: string; newPassword: string; code?: string },
      origin: Origin,
    ): Promise<{ userId: number; issued: Issued }> {
      const userId = claimedUser(request.token);
      if (userId === null) throw stale();
      const asked = await tenancy.inTenant(userId, async (models) =>
        (await isMailTokenLive(models, request.token, 'reset')) ? models.users.find(userId) : null,
      );
      if (!asked) throw stale();
      await secondFactors.count(asked, request.code);
      const passwordHash = await passwords.hash(request.newPassword);
      const jwtSecret = tokens.newSecret(userId);
      const { now, issued } = await tenancy.inTenant(userId, async (models) => {
        const email = await useMailToken(models, request.token, 'reset');
        const user = email === null ? null : await models.users.find(userId);
        // Who had the former address is not who has the account.
        if (!user?.isActive || user.email !== email) throw stale();
        if (user.isEmailVerified) await secondFactors.demand(models, userId, request.code);
        else await clearOut(models, userId);
        await models.users.setPassword(userId, { passwordHash, jwtSecret });
        await models.users.setEmailVerified(userId);
        await models.sessions.revokeAll(userId, 'password_reset');
        await models.mailTokens.endPending(userId);
        const now = (await models.users.findSecrets(userId))!;
        return { now, issued: await sessions.begin(models, now, origin) };
      });
      forget(userId);
      notices.tell(now, 'password');
      return { userId, issued };
    },
  };
}
