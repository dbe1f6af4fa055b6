import type { Models } from '../models/index.js';
import type { MailPurpose } from '../models/mail-token.js';
import { publicId, randomToken, safeEqual, sha256 } from '../utils/crypto.js';

const TOKEN = /^mt_(\d{1,16})_(mt_[0-9a-z]{26})_([\w-]{43})$/;

/** Seconds that a link in a mail lives. */
const LIFETIME: Record<MailPurpose, number> = { confirm: 2 * 86_400, reset: 3600 };
/** Mails of a purpose that a user is sent in an hour, whoever asks for them. */
const MOST_IN_AN_HOUR = 5;

/**
 * A new token, in the caller's transaction; null: enough were sent. The user's id is in it, as that is how its row is found.
 * What was sent before keeps working where anybody can ask for another: or they could take it from its owner.
 */
export async function issueMailToken(
  models: Pick<Models, 'mailTokens'>,
  to: { userId: number; purpose: MailPurpose; email: string },
): Promise<string | null> {
  if ((await models.mailTokens.countRecent(to.userId, to.purpose)) >= MOST_IN_AN_HOUR) return null;
  const [id, secret] = [publicId('mt'), randomToken()];
  await models.mailTokens.create({ ...to, id, hash: sha256(secret), lifetime: LIFETIME[to.purpose] });
  return `mt_${to.userId}_${id}_${secret}`;
}

/** Whose token it claims to be, before anything is looked up; null for what is none of ours. */
export const claimedUser = (token: string): number | null => {
  const [, userId] = TOKEN.exec(token) ?? [];
  return userId ? Number(userId) : null;
};

/** Whether a token lives, before anything costly is done for whoever brings it. */
export async function isMailTokenLive(
  models: Pick<Models, 'mailTokens'>,
  token: string,
  purpose: MailPurpose,
): Promise<boolean> {
  const [, , id, secret] = TOKEN.exec(token) ?? [];
  const found = id ? await models.mailTokens.findForUpdate(id, purpose) : null;
  return found !== null && safeEqual(found.hash, sha256(secret!));
}

/**
 * Uses a token up with all others of its purpose, in the caller's transaction. The address it was sent to; null: it does not
 * live, or is another's. The newest address alone is confirmed: a user changed their mind about those before.
 */
export async function useMailToken(
  models: Pick<Models, 'mailTokens'>,
  token: string,
  purpose: MailPurpose,
): Promise<string | null> {
  const [, userId, id, secret] = TOKEN.exec(token) ?? [];
  const found = id ? await models.mailTokens.findForUpdate(id, purpose) : null;
  if (!found || !safeEqual(found.hash, sha256(secret!))) return null;
  if (purpose === 'confirm' && !found.isNewest) return null;
  await models.mailTokens.endAll(Number(userId), purpose);
  return found.email;
}
