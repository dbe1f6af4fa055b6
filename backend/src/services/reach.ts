import type { Address, Look } from '../clients/evolution.look.js';
import type { Models } from '../models/index.js';
import type { Phone } from '../models/phone.js';
import { Problem } from '../utils/problem.js';

/** Seconds. */
const RETRY_AFTER = 5;

/** A connected phone, and where it is reached now. Problems: not_found, phone_offline. */
export async function reach(
  models: Pick<Models, 'phones' | 'placements'>,
  phoneId: number,
): Promise<{ phone: Phone; address: Address }> {
  const phone = await models.phones.find(phoneId);
  if (!phone) throw new Problem('not_found', `There is no phone ${phoneId}`);
  const placement = await models.placements.findCurrent(phoneId);
  if (!placement || !phone.isConnected)
    throw new Problem('phone_offline', `Phone ${phoneId} is ${phone.status}; this needs a connected one`);
  return { phone, address: { nodeUrl: placement.nodeUrl, placementId: placement.id } };
}

/** For calls that may be repeated, so that a node that did not answer well is a matter of trying again. */
export function done<T>(answer: Look<T>): T {
  if (answer.kind === 'ok') return answer.value;
  const cause = 'cause' in answer ? answer.cause : answer.kind;
  throw new Problem('unavailable', 'The node of this phone did not do it', {
    retryAfter: RETRY_AFTER,
    cause,
  });
}
