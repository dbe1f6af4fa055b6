import type { Models } from '../models/index.js';
import type { MailPurpose } from '../models/mail-token.js';
import { publicId, randomToken, safeEqual, sha256 } from '../utils/crypto.js';

const TOKEN = /^mt_(\d{1,16})_(mt_[0-9a-z]{26})_([\w-]{43})$/;

/** Seconds that a link in a mail lives. */
const LIFETIME: Record<MailPurpose, number> = { confirm: 2 * 86_400, reset: 3600 };

/** A new token, in the caller's transaction. The user's id is in it, as that is how its row is found. */
export async function issueMailToken(
  models: Pick<Models, 'mailTokens'>,
  to: { userId: number; purpose: MailPurpose; email: string },
): Promise<string> {
  const [id, secret] = [publicId('mt'), randomToken()];
  await models.mailTokens.create({ ...to, id, hash: sha256(secret), lifetime: LIFETIME[to.purpose] });
  return `mt_${to.userId}_${id}_${secret}`;
}

/** Whose token it claims to be, before anything is looked up; null for what is none of ours. */
export const claimedUser = (token: string): number | null => {
  const [, userId] = TOKEN.exec(token) ?? [];
  return userId ? Number(userId) : null;
};

/** Uses a token up, in the caller's transaction. The address it was sent to; null: it does not live, or is another's. */
export async function useMailToken(
  models: Pick<Models, 'mailTokens'>,
  token: string,
  purpose: MailPurpose,
): Promise<string | null> {
  const [, , id, secret] = TOKEN.exec(token) ?? [];
  const found = id ? await models.mailTokens.findForUpdate(id, purpose) : null;
  if (!found || !safeEqual(found.hash, sha256(secret!))) return null;
  await models.mailTokens.remove(id!);
  return found.email;
}
