import type { EvolutionClient } from '../clients/evolution.client.js';
import type { Fact } from '../clients/evolution.fact.js';
import type { Contact, DirectoryFilter, Group, Member } from '../models/directory.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Phone } from '../models/phone.js';
import { Problem } from '../utils/problem.js';
import { groupFact, meetPeople } from './people.js';

export interface ContactView {
  /** E.164, or `lid:…` while WhatsApp gives no number. */
  contact: string;
  lid: string | null;
  name: string | null;
  pictureUrl: string | null;
}
export interface GroupView {
  group: string;
  subject: string | null;
  description: string | null;
  owner: string | null;
  members: number;
}
export type MemberView = { participant: string; role: Member['role']; name: string | null };

export type Directory = ReturnType<typeof createDirectory>;

/** Seconds: so long a phone's groups and contacts are not read from its node again. */
const FRESH = 300;

const contactView = ({ address, lid, name, picture }: Contact): ContactView => ({
  contact: address,
  lid,
  name,
  pictureUrl: picture,
});
export const groupView = ({ chat, ...rest }: Group): GroupView => ({ group: chat, ...rest });
export const memberView = ({ address, ...rest }: Member): MemberView => ({ participant: address, ...rest });

/** Keeps what a node was asked about groups and people as what it tells of by itself is kept. */
export async function keepFacts(models: Models, phone: Phone, facts: readonly Fact[]): Promise<void> {
  await models.events.lockCounter(phone.userId);
  const [named] = await meetPeople(models, [{ phone, facts }]);
  for (const fact of named!) if (fact.kind === 'group') await groupFact(models, phone, fact);
}

/** The people and groups of a phone: what its node told of them, and once in a while is asked. */
export function createDirectory(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'reading'>;
  evolution: Pick<EvolutionClient, 'listContacts' | 'listGroups'>;
}) {
  const { tenancy, evolution } = deps;

  /** A group that is not among those it is in any more is one that it left. */
  async function keepAll(phone: Phone, facts: readonly Fact[]): Promise<void> {
    const chats = new Set(facts.flatMap((fact) => (fact.kind === 'group' ? [fact.group] : [])));
    await tenancy.inTenant(phone.userId, async (models) => {
      await keepFacts(models, phone, facts);
      const gone = (await models.directory.listGroupNames(phone.id)).filter((chat) => !chats.has(chat));
      const own = [{ address: phone.phoneNumber, role: 'gone' as const }];
      for (const chat of gone) {
        const group = { userId: phone.userId, phoneId: phone.id, chat, at: new Date() };
        await models.people.noteMembers(group, own, { isAll: false });
      }
    });
  }

  /**
   * Groups that a phone was in before it was paired here are told of by nobody, so its node is asked, where it can be: what
   * is known is answered in any case. Problem: not_found.
   */
  async function refresh(userId: number, phoneId: number): Promise<Phone> {
    const { phone, placement } = await tenancy.inTenant(userId, async (models) => {
      const found = await models.phones.find(phoneId);
      if (!found) throw new Problem('not_found', `There is no phone ${phoneId}`);
      const isDue = found.isConnected && (await models.directory.claimReading(phoneId, FRESH));
      return { phone: found, placement: isDue ? await models.placements.findCurrent(phoneId) : null };
    });
    if (!placement) return phone;
    const address = { nodeUrl: placement.nodeUrl, placementId: placement.id };
    const [contacts, groups] = await Promise.all([
      evolution.listContacts(address),
      evolution.listGroups(address),
    ]);
    if (contacts.kind === 'ok')
      await tenancy.inTenant(userId, (models) => keepFacts(models, phone, contacts.value));
    if (groups.kind === 'ok') await keepAll(phone, groups.value);
    return phone;
  }

  const pageOf = <T>(rows: readonly T[], limit: number) => ({
    data: rows.slice(0, limit),
    hasMore: rows.length > limit,
  });

  return {
    /** By address. Problem: not_found. */
    async listContacts(userId: number, filter: DirectoryFilter) {
      await refresh(userId, filter.phoneId);
      const rows = await tenancy.inTenant(userId, ({ directory }) =>
        directory.listContacts({ ...filter, limit: filter.limit + 1 }),
      );
      return pageOf(rows.map(contactView), filter.limit);
    },

    /** Those that the phone is in, by address. Problem: not_found. */
    async listGroups(userId: number, filter: DirectoryFilter) {
      const { phoneNumber: own } = await refresh(userId, filter.phoneId);
      const rows = await tenancy.inTenant(userId, ({ directory }) =>
        directory.listGroups({ ...filter, own, limit: filter.limit + 1 }),
      );
      return pageOf(rows.map(groupView), filter.limit);
    },
  };
}
