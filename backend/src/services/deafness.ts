import { randomInt } from 'node:crypto';
import type { Address, EvolutionClient } from '../clients/evolution.client.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Suspect } from '../models/deafness.js';
import type { Tenancy } from '../models/index.js';
import type { Phone } from '../models/phone.js';
import type { Placement } from '../models/placement.js';
import { phoneDeafEvent } from './event-data.js';
import type { Moving } from './moving.js';
import { setPhoneState } from './phone.js';

export type Deafness = ReturnType<typeof createDeafness>;

const USERS_A_PAGE = 200;
/** Silence of one or two chats tells nothing: their people may be offline. */
const CHATS = 3;
/** Seconds: an opened connection shows soon whether it lives. */
const LOOK_AFTER = 3;

/**
 * Finds phones that say they are connected and hear nothing. Silence only makes them suspect, as people may be offline: each
 * is asked something that needs WhatsApp itself, and only one that fails is healed: its connection opened anew, and when
 * that did not help the last time, on another node (design: "Status of a message").
 */
export function createDeafness(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'shared'>;
  evolution: Pick<EvolutionClient, 'checkNumbers' | 'probe' | 'restart'>;
  moving: Pick<Moving, 'tryBegin'>;
  wake: Pick<Wake, 'hint'>;
  logger: Logger;
  /** Seconds of silence that make a phone suspect. */
  settings: { deafAfter: number };
}) {
  const { tenancy, evolution, moving, wake, logger, settings } = deps;

  /** A number that nobody has asked about: answers about others may come from the node's cache. */
  const unaskedNumber = ({ phoneNumber }: Phone): string =>
    `${phoneNumber.slice(0, -7)}${String(randomInt(10 ** 7)).padStart(7, '0')}`;

  async function isAlive(phone: Phone, address: Address): Promise<boolean> {
    const [numbers, messages] = await Promise.all([
      evolution.checkNumbers(address, [unaskedNumber(phone)]),
      evolution.probe(address),
    ]);
    return numbers.kind === 'ok' && numbers.value !== null && messages.kind === 'ok';
  }

  async function heal(phone: Phone, placement: Placement, failedProbes: number): Promise<void> {
    const { userId, id: phoneId } = phone;
    await tenancy.inTenant(userId, async (models) => {
      await models.events.lockCounter(userId);
      const now = await models.phones.findForUpdate(phoneId);
      if (now?.status !== 'connected') return;
      await models.events.append(userId, [phoneDeafEvent(now)]);
      await setPhoneState(models, now, { status: 'deaf', reason: 'deaf_probe_failed' });
      await models.checks.ask(userId, phoneId, LOOK_AFTER);
    });
    logger.error('phone deaf', { userId, phoneId, node: placement.nodeName, failedProbes });
    wake.hint('events', userId);
    wake.hint('delivery');
    const isMoved = failedProbes > 0 && (await moving.tryBegin(phone, placement, 'deaf'));
    if (!isMoved) await evolution.restart({ nodeUrl: placement.nodeUrl, placementId: placement.id });
  }

  async function look({ userId, phoneId, failedProbes }: Suspect): Promise<boolean> {
    const { phone, placement } = await tenancy.inTenant(userId, async (models) => ({
      phone: await models.phones.find(phoneId),
      placement: await models.placements.findCurrent(phoneId),
    }));
    if (!phone || !placement || placement.nodeStatus === 'down') return false;
    const alive = await isAlive(phone, { nodeUrl: placement.nodeUrl, placementId: placement.id });
    await tenancy.inTenant(userId, (models) => models.deafness.setProbed(phoneId, { failed: !alive }));
    if (!alive) await heal(phone, placement, failedProbes);
    return !alive;
  }

  return {
    /** One round over all users. Returns how many phones were found deaf. */
    async sweep(): Promise<number> {
      let total = 0;
      let page = await tenancy.shared.userIds(0, USERS_A_PAGE);
      while (page.length > 0) {
        const suspects = await tenancy.inTenants(page, (models) =>
          models.deafness.list(settings.deafAfter, CHATS),
        );
        for (const suspect of suspects) if (await look(suspect)) total += 1;
        page = await tenancy.shared.userIds(page.at(-1)!, USERS_A_PAGE);
      }
      return total;
    },
  };
}
