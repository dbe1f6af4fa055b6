import type { Tenancy } from '../models/index.js';
import type { Sealed } from '../models/sealed.js';
import type { Sealer } from '../utils/crypto.js';
import { PURPOSE as NODE_KEY } from './node-keys.js';
import { sealedFor as secondFactorOf } from './second-factor.js';
import { context as jwtOf } from './token.js';
import { sealedFor as proxyOf } from './tuning.js';
import { sealedFor as webhookOf } from './webhook-post.js';

const USERS_A_PAGE = 100;

function contextOf({ place, id }: Sealed, userId: number): string {
  switch (place) {
    case 'jwt':
      return jwtOf(userId);
    case 'totp':
      return secondFactorOf(userId);
    case 'proxy':
      return proxyOf(id);
    case 'node':
      return NODE_KEY;
    default:
      return webhookOf(userId);
  }
}

/**
 * Seals everything under the present JWT_SECRET that still is under the previous one, while the gateway works; then the
 * previous one is needed no more. May be stopped and repeated. Returns how many secrets were sealed anew.
 */
export async function reseal(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared' | 'keepSealing'>;
  sealer: Sealer;
}): Promise<number> {
  const { tenancy, sealer } = deps;
  let count = 0;
  async function renew(
    sealed: { replace(one: Sealed, by: string): Promise<void> },
    all: readonly (Sealed & { userId?: number })[],
  ): Promise<void> {
    for (const one of all) {
      const fresh = sealer.reseal(one.text, contextOf(one, one.userId ?? 0));
      if (fresh === null) continue;
      await sealed.replace(one, fresh);
      count += 1;
    }
  }

  let page = await tenancy.shared.userIds(0, USERS_A_PAGE);
  while (page.length > 0) {
    for (const userId of page)
      await tenancy.inTenant(userId, async ({ sealed }) => renew(sealed, await sealed.list()));
    page = await tenancy.shared.userIds(page.at(-1)!, USERS_A_PAGE);
  }
  const { sealedOfNodes } = tenancy.shared;
  await renew(sealedOfNodes, await sealedOfNodes.listOfNodes());
  await tenancy.keepSealing(sealer.keyIds[0]!);
  return count;
}
