import type { Address, EvolutionClient, Look, Subscription } from '../clients/evolution.client.js';
import type { Wake } from '../clients/wake.js';
import type { Tenancy } from '../models/index.js';
import type { Phone, Proxy, Settings } from '../models/phone.js';
import type { Placement } from '../models/placement.js';
import type { Sealer } from '../utils/crypto.js';
import { Problem } from '../utils/problem.js';

export type Tuning = ReturnType<typeof createTuning>;

/** As a caller names it. */
export interface TuningChange {
  settings?: Partial<Settings>;
  proxy?: Proxy | null;
}

/** `proxy_refused`: it is there, and its node cannot use the proxy that it is to have. */
export type Made = Look<unknown> | { kind: 'proxy_refused' };

/** How a phone behaves unless told. */
const SETTINGS: Settings = {
  rejectCalls: false,
  rejectCallsMessage: '',
  ignoreGroups: false,
  alwaysOnline: false,
  readMessages: false,
  syncHistory: false,
};
export const settingsOf = (phone: Pick<Phone, 'settings'>): Settings => ({ ...SETTINGS, ...phone.settings });

/** Names the place of what is sealed, so that it opens nowhere else. */
export const sealedFor = (phoneId: number): string => `proxy:${phoneId}`;
const addressOf = ({ nodeUrl, id }: Placement): Address => ({ nodeUrl, placementId: id });

/** A phone's settings and its proxy: as its owner wants them, and as its node is told of them. */
export function createTuning(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  evolution: Pick<EvolutionClient, 'create' | 'subscribe' | 'setSettings' | 'setProxy' | 'restart'>;
  wake: Pick<Wake, 'hint'>;
  sealer: Sealer;
  /** Why a host may not be a phone's proxy, or null. */
  refuseProxy: (host: string) => string | null;
}) {
  const { tenancy, evolution, wake, sealer, refuseProxy } = deps;

  function checkProxy(proxy: Proxy | null | undefined): void {
    const refusal = proxy ? refuseProxy(proxy.host) : null;
    if (refusal === null) return;
    const detail = `proxy.host ${refusal}`;
    throw new Problem('unprocessable', detail, {
      errors: [{ pointer: '/proxy/host', code: 'proxy_refused', detail }],
    });
  }

  const sealed = (phoneId: number, proxy: Proxy | null): Proxy | null =>
    proxy?.password === undefined
      ? proxy
      : { ...proxy, password: sealer.seal(proxy.password, sealedFor(phoneId)) };
  const opened = ({ id, proxy }: Phone): Proxy | null =>
    proxy?.password === undefined
      ? proxy
      : { ...proxy, password: sealer.open(proxy.password, sealedFor(id)) };

  /** Notes what its node said of the change: taken, or refused, which is not tried again before it is changed again. */
  const note = ({ userId, id, tuning }: Phone, fault: string | null): Promise<void> =>
    tenancy.inTenant(userId, (models) => models.phones.setTold(id, { tuning, fault }));

  return {
    /** Problem: unprocessable (a proxy that nobody may use). */
    checkProxy,

    /** Its node is told of it at once, if it can be reached. Problems: not_found, unprocessable. */
    async change(userId: number, id: number, to: TuningChange): Promise<void> {
      checkProxy(to.proxy);
      await tenancy.inTenant(userId, async (models) => {
        const phone = await models.phones.findForUpdate(id);
        if (!phone) throw new Problem('not_found', `There is no phone ${id}`);
        await models.phones.setTuning(id, {
          settings: { ...phone.settings, ...to.settings },
          ...(to.proxy === undefined ? {} : { proxy: sealed(id, to.proxy) }),
        });
        await models.checks.ask(userId, id);
      });
      wake.hint('check');
    },

    /**
     * Makes a phone on a node as its owner wants it, unconnected, posting to us. It is not to be connected without the
     * proxy that it is to have.
     */
    async make(phone: Phone, placement: Placement, to: Subscription): Promise<Made> {
      const address = addressOf(placement);
      const settings = settingsOf(phone);
      const made = await evolution.create(address, { phoneNumber: phone.phoneNumber, settings }, to);
      if (made.kind !== 'ok') return made;
      if (made.value === 'exists') {
        const told = await evolution.subscribe(address, to);
        const set = told.kind === 'ok' ? await evolution.setSettings(address, settings) : told;
        if (set.kind !== 'ok') return set;
      }
      const set = phone.proxy ? await evolution.setProxy(address, opened(phone)) : made;
      if (set.kind === 'ok') await note(phone, null);
      if (set.kind !== 'error' || !phone.proxy) return set;
      await note(phone, 'proxy_refused');
      return { kind: 'proxy_refused' };
    },

    isOwed: (phone: Phone): boolean => phone.toldTuning !== phone.tuning,

    /** Tells the node that holds a phone of the changes. A proxy takes effect with a new connection. */
    async tell(phone: Phone, placement: Placement, { isOpen }: { isOpen: boolean }): Promise<Look<unknown>> {
      const address = addressOf(placement);
      const set = await evolution.setSettings(address, settingsOf(phone));
      if (set.kind !== 'ok') return set;
      if (phone.toldTuning >= phone.proxyTuning) {
        await note(phone, null);
        return set;
      }
      const proxied = await evolution.setProxy(address, opened(phone));
      if (proxied.kind === 'ok' && isOpen) await evolution.restart(address);
      if (proxied.kind === 'ok') await note(phone, null);
      if (proxied.kind === 'error') await note(phone, 'proxy_refused');
      return proxied;
    },
  };
}
