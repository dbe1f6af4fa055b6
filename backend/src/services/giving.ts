import type { ApiKey } from '../models/api-key.js';
import type { Models } from '../models/index.js';
import { areWithin } from '../utils/network.js';
import { Problem, type FieldError, type ProblemCode } from '../utils/problem.js';
import { SCOPES_OF_PHONES } from '../utils/scope.js';

/** Who makes or changes a key: a key gives no more than it has. */
export interface Giver {
  userId: number;
  scopes: readonly string[] | 'all';
  isAdmin: boolean;
  credentialId: string;
}

/** Nobody gives away what they do not have. Problem: forbidden. */
export function refuseMore(giver: Giver, scopes: readonly string[] | null | undefined): void {
  if (scopes === undefined) return;
  // An admin no more has none of that to give, whatever their key was given once.
  const has = (scope: string): boolean =>
    scope === 'admin' ? giver.isAdmin : giver.scopes === 'all' || giver.scopes.includes(scope);
  const missing = (scopes ?? ['all']).filter((scope) => !has(scope));
  if (missing.length > 0)
    throw new Problem('forbidden', `You cannot give what you do not have: ${missing.join(', ')}`);
}

function refuse(code: ProblemCode, errors: FieldError[]): void {
  if (errors[0]) throw new Problem(code, errors[0].detail, { errors });
}

/** What is about the whole account cannot be limited to phones, and phones have to be there. Problems: unprocessable, not_found. */
export async function refuseBeyond(
  models: Pick<Models, 'phones'>,
  { scopes, phoneIds }: { scopes: readonly string[] | null; phoneIds: readonly number[] | null },
): Promise<void> {
  if (phoneIds === null) return;
  const beyond = (scopes ?? []).filter((scope) => !SCOPES_OF_PHONES.includes(scope));
  const there = await Promise.all(phoneIds.map((id) => models.phones.find(id)));
  refuse(
    'not_found',
    phoneIds.flatMap((id, i) =>
      there[i] ? [] : [{ pointer: `/phoneIds/${i}`, code: 'not_found', detail: `There is no phone ${id}` }],
    ),
  );
  refuse(
    'unprocessable',
    beyond.map((scope) => ({
      pointer: '/scopes',
      code: 'beyond_phones',
      detail: `${scope} is about the whole account; a key that is limited to phones cannot have it`,
    })),
  );
}

/**
 * The key that gives, which lives on until this transaction ends; null: somebody who has signed in, and still is. What is known
 * of a credential is a second old, time enough for one that was revoked to give itself another. Problem: unauthenticated.
 */
export async function holdGiver(
  models: Pick<Models, 'apiKeys' | 'sessions'>,
  { credentialId }: Pick<Giver, 'credentialId'>,
): Promise<ApiKey | null> {
  const own = await models.apiKeys.hold(credentialId);
  if (!own && (await models.sessions.listLive([credentialId])).length === 0)
    throw new Problem('unauthenticated', 'This credential was revoked');
  return own;
}

/**
 * A key that ends, or is of use in some networks alone, gives none that lives longer or is of use elsewhere: whoever found
 * it would keep what it opens. What is left out of `to` is not given. Problems: forbidden, unauthenticated.
 */
export async function refuseWider(
  models: Pick<Models, 'apiKeys' | 'sessions'>,
  giver: Giver,
  to: { allowedIps?: readonly string[] | null; expiresAt?: Date | null },
): Promise<void> {
  const own = await holdGiver(models, giver);
  if (own?.expiresAt && to.expiresAt !== undefined && (to.expiresAt ?? Infinity) > own.expiresAt)
    throw new Problem(
      'forbidden',
      `You cannot give what outlives your own key: expiresAt ${own.expiresAt.toISOString()}`,
    );
  if (own?.allowedIps && to.allowedIps !== undefined && !areWithin(to.allowedIps, own.allowedIps))
    throw new Problem(
      'forbidden',
      `You cannot give what is of use elsewhere than in ${own.allowedIps.join(', ')}`,
    );
}
