import type { EvolutionClient } from '../clients/evolution.client.js';
import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import type { PairingMethod, Phone } from '../models/phone.js';
import type { Sealer } from '../utils/crypto.js';
import { unlimited } from '../utils/limited.js';
import { Problem } from '../utils/problem.js';
import { SETTLED } from './connection.js';
import { phoneView, setPhoneState, type PhoneView } from './phone.js';
import { qrView, type QrView } from './qr.js';
import { remedyOf } from './reason.js';

export type { PairingMethod };
export type PhoneLife = ReturnType<typeof createPhoneLife>;

const PAIRABLE = new Set(['new', 'pairing', 'qr_expired', 'node_down']);

/** It takes seconds; to stop in the middle would be to lose the pairing. */
function refuseMoving({ id, status }: Phone): void {
  if (status === 'moving')
    throw new Problem('phone_offline', `Phone ${id} is changing nodes; ask again in a moment`, {
      retryAfter: 3,
    });
}

/** What its owner does about a phone's connection: connect it, restart it, log it out, remove it. */
export function createPhoneLife(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  evolution: Pick<EvolutionClient, 'restart'>;
  wake: Pick<Wake, 'hint'>;
  sealer: Sealer;
}) {
  const { tenancy, evolution, wake, sealer } = deps;

  /** Changes a phone whose row is locked, after the counter, and asks for a look at it. Problem: not_found. */
  async function change<T>(
    userId: number,
    id: number,
    work: (models: Models, phone: Phone) => Promise<T>,
  ): Promise<T> {
    const result = await tenancy.inTenant(userId, async (models) => {
      await models.events.lockCounter(userId);
      const phone = await models.phones.findForUpdate(id);
      if (!phone) throw new Problem('not_found', `There is no phone ${id}`);
      await models.checks.ask(userId, id);
      return work(models, phone);
    });
    wake.hint('check');
    wake.hint('events', userId);
    wake.hint('delivery');
    return result;
  }

  /**
   * Begins to pair it, anew where it was paired before: a node that pairs a number again hears nothing of it (contract,
   * "Calls"), so it gets another place; and so it does for another method, which a node asks about only as it begins.
   */
  async function begin(models: Models, phone: Phone, method: PairingMethod): Promise<Phone> {
    const placement = await models.placements.findCurrent(phone.id);
    const isPaired = placement !== null && placement.openedAt !== null && !SETTLED.has(phone.status);
    if (isPaired) return phone;
    const isElsewhere = SETTLED.has(phone.status) || method !== phone.pairingMethod;
    if (isElsewhere) await models.placements.end(phone.id);
    else if (phone.status !== 'qr_expired') return phone;
    await models.phones.setPairingMethod(phone.id, method);
    return setPhoneState(models, phone, { status: 'new', reason: null });
  }

  return {
    /** Then watch its status and fetch the QR, or the code to type. Problems: not_found, phone_connected, phone_offline (it moves). */
    connect: (userId: number, id: number, method: PairingMethod): Promise<PhoneView> =>
      change(userId, id, async (models, phone) => {
        if (phone.isConnected) throw new Problem('phone_connected', 'The phone is connected already');
        refuseMoving(phone);
        return phoneView(await begin(models, phone, method));
      }),

    /**
     * What pairs it now; asking after the last code ran out starts pairing again. Problems: not_found, phone_connected,
     * qr_unavailable (ask again in a moment: one is being fetched).
     */
    async qr(userId: number, id: number): Promise<QrView> {
      const found = await tenancy.inTenant(userId, (models) => models.phones.find(id));
      if (!found) throw new Problem('not_found', `There is no phone ${id}`);
      if (found.isConnected)
        throw new Problem('phone_connected', 'The phone is connected and needs no QR code');
      const shown = await qrView(found, sealer);
      if (shown) return shown;
      const isPairable = PAIRABLE.has(found.status);
      if (isPairable) await change(userId, id, (models, phone) => begin(models, phone, phone.pairingMethod));
      throw new Problem(
        'qr_unavailable',
        remedyOf(found.statusReason) ?? 'There is no QR code at the moment; ask again shortly',
        isPairable ? { retryAfter: 2 } : {},
      );
    },

    /** Has its node open the connection anew. Problems: not_found, phone_offline (it was never paired, or its node is away). */
    async restart(userId: number, id: number): Promise<PhoneView> {
      const phone = await change(userId, id, async (_models, found) => found);
      refuseMoving(phone);
      const placement = await tenancy.inTenant(userId, (models) => models.placements.findCurrent(id));
      const isThere = placement?.openedAt && !SETTLED.has(phone.status);
      const restarted =
        isThere && (await evolution.restart({ nodeUrl: placement.nodeUrl, placementId: placement.id }));
      if (!restarted || restarted.kind !== 'ok')
        throw new Problem('phone_offline', 'Its node cannot restart it at the moment', { retryAfter: 5 });
      return phoneView(phone);
    },

    /** Unlinks it from WhatsApp; what waits to go out waits on. Problems: not_found, phone_offline (it moves). */
    logout: (userId: number, id: number): Promise<PhoneView> =>
      change(userId, id, async (models, phone) => {
        refuseMoving(phone);
        await models.placements.end(id);
        const state = { status: 'logged_out', reason: 'logged_out_by_owner' } as const;
        return phoneView(await setPhoneState(models, phone, state));
      }),

    /**
     * Takes it away at once, also when its node is gone: that forgets it when it is back. What waits is cancelled, its
     * webhooks go; what was said stays as long as other messages. Problem: not_found.
     */
    async remove(userId: number, id: number): Promise<void> {
      const found = await tenancy.inTenant(userId, (models) => models.phones.find(id));
      if (!found) throw new Problem('not_found', `There is no phone ${id}`);
      // Its tokens go too, also for a caller who has one of them, and sees none.
      await unlimited(() =>
        change(userId, id, async (models) => {
          await models.lanes.setOpen(userId, id, false);
          await models.webhooks.removeOfPhone(id);
          await models.apiKeys.revokeOfPhone(id);
          await models.moves.endOfPhone(id);
          await models.placements.end(id);
          await models.phones.remove(id);
        }),
      );
    },
  };
}
