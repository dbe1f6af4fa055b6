import { NodeError, crashed } from '../http/errors.js';
import { behaviourOf } from '../network/behaviours.js';
import { addressOf, isBroadcast, isGroup, isLid, lidOf, numberOf } from '../network/jid.js';
import type { Context } from './context.js';
import type { Instance } from './instance.js';

export interface Address {
  readonly jid: string;
  readonly exists: boolean;
  /** As the caller wrote it. */
  readonly number: string;
}

/** The raw error object that a real node answers from whatsappNumbers without a connection. */
const BOOM = {
  data: null,
  isBoom: true,
  isServer: false,
  output: {
    statusCode: 428,
    payload: { statusCode: 428, error: 'Precondition Required', message: 'Connection Closed' },
    headers: {},
  },
};

/** Who exists: asked from the network once, then remembered for all nodes, and answered even when disconnected. */
export const createDirectory = ({
  network,
  contacts,
  groups,
}: Pick<Context, 'network' | 'contacts' | 'groups'>) => {
  const onNetwork = async (number: string): Promise<boolean> =>
    behaviourOf(number).exists !== false || (await network.linked([number])).has(number);

  /** @throws what a real node throws when it has to ask and cannot. */
  const requireLine = ({ client }: Instance): void => {
    if (!client) throw crashed(`Cannot read properties of undefined (reading 'onWhatsApp')`);
    if (client.stage !== 'open' && client.stage !== 'pairing') throw crashed('Connection Closed');
  };
  const resolve = async (instance: Instance, number: string): Promise<Address> => {
    const jid = addressOf(number);
    if (isGroup(jid)) return { jid, exists: (await groups.find(jid)) !== null, number };
    if (isLid(jid) || isBroadcast(jid)) return { jid, exists: true, number };
    if (await contacts.isCached(jid)) return { jid, exists: true, number };
    requireLine(instance);
    const digits = numberOf(jid);
    const exists = await onNetwork(digits);
    if (exists && digits) await contacts.cache({ jid, lid: lidOf(digits) });
    return { jid, exists, number };
  };
  return {
    resolve,
    /** whatsappNumbers: groups first. @throws a raw error object when a number must be asked for and cannot. */
    check: async (instance: Instance, numbers: readonly string[]): Promise<Address[]> => {
      try {
        const found = await Promise.all(numbers.map((number) => resolve(instance, number)));
        return [...found.filter(({ jid }) => isGroup(jid)), ...found.filter(({ jid }) => !isGroup(jid))];
      } catch (error) {
        if (!(error instanceof NodeError)) throw error;
        throw new NodeError(400, instance.client ? BOOM : {});
      }
    },
  };
};

export type Directory = ReturnType<typeof createDirectory>;
