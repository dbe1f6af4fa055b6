import type { Tenancy } from '../models/index.js';
import type { LinkSigner, SignedQuery } from '../utils/link.js';
import { Problem } from '../utils/problem.js';
import type { PairingMethod, PhoneLife } from './phone-life.js';

export interface ConnectLink {
  url: string;
  expiresAt: string;
}

/** What whoever has the link sees: nothing of the account. */
export interface ConnectState {
  status: string;
  isConnected: boolean;
  deviceName: string;
  /** A PNG as a data URL; null while there is none. */
  image: string | null;
  pairingCode: string | null;
}

export type ConnectLinks = ReturnType<typeof createConnectLinks>;

/** Links by which a customer pairs a phone without an account: whoever has one may, until it expires. */
export function createConnectLinks(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  life: Pick<PhoneLife, 'connect' | 'qr'>;
  signer: LinkSigner;
  serverUrl: string;
}) {
  const { tenancy, life, signer } = deps;
  const base = deps.serverUrl.replace(/\/$/, '');

  return {
    /** Begins to pair it, too. Problems: not_found, phone_connected, phone_offline (it moves). */
    async create(
      userId: number,
      phoneId: number,
      { method, expiresIn }: { method: PairingMethod; expiresIn: number },
    ): Promise<ConnectLink> {
      await life.connect(userId, phoneId, method);
      const until = new Date((Math.floor(Date.now() / 1000) + expiresIn) * 1000);
      const { expires, signature } = signer.sign({ id: phoneId, userId }, 'connect', until);
      return {
        url: `${base}/api/connect/${phoneId}?expires=${expires}&signature=${signature}`,
        expiresAt: until.toISOString(),
      };
    },

    /** Problem: not_found (a link that is not whole, or has expired; a phone that was removed). */
    async state(phoneId: number, query: SignedQuery): Promise<ConnectState> {
      const userId = signer.verify(phoneId, 'connect', query);
      const phone =
        userId === null
          ? null
          : await tenancy.inTenant(userId, async (models) => {
              const user = await models.users.find(userId);
              return user?.isActive ? models.phones.find(phoneId) : null;
            });
      if (userId === null || !phone) throw new Problem('not_found', 'This link has expired, or is not whole');
      const { status, isConnected, deviceName } = phone;
      const shown = { status, isConnected, deviceName };
      if (isConnected) return { ...shown, image: null, pairingCode: null };
      try {
        const { image, pairingCode } = await life.qr(userId, phoneId);
        return { ...shown, image, pairingCode };
      } catch (error) {
        if (error instanceof Problem) return { ...shown, image: null, pairingCode: null };
        throw error;
      }
    },
  };
}
