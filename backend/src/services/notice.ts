import type { MailClient } from '../clients/mail.client.js';

export type Notices = ReturnType<typeof createNotices>;
export type Noticed = 'address' | 'password' | 'secondFactorOn' | 'secondFactorOff' | 'codesGuessed';

const WHAT: Record<Noticed, { subject: string; text: string }> = {
  address: {
    subject: 'Your e-mail address was changed',
    text: 'the address of your account is another one now.',
  },
  password: {
    subject: 'Your password was changed',
    text: 'the password of your account is another one now, and whoever was signed in is signed out. Your API keys live on.',
  },
  secondFactorOn: {
    subject: 'Your second factor was enabled',
    text: 'signing in to your account takes a code from an authenticator app from now on.',
  },
  codesGuessed: {
    subject: 'Somebody guesses at your second factor',
    text: 'somebody who knows your password has tried many codes. None is taken for a while, but recovery codes are.',
  },
  secondFactorOff: {
    subject: 'Your second factor was disabled',
    text: 'signing in to your account takes no code any more, only the password.',
  },
};

/** Tells a user by mail, where there is mail, what was changed about how they sign in: it may not have been them. */
export const createNotices = (deps: { mail: Pick<MailClient, 'post'>; serverUrl: string }) => ({
  tell({ email, username }: { email: string; username: string }, what: Noticed): void {
    const { subject, text } = WHAT[what];
    deps.mail.post({
      to: email,
      subject,
      text: `Hello ${username},\n\n${text} If that was not you, set a new password, and tell the operator of ${deps.serverUrl} at once.\n`,
    });
  },
});
