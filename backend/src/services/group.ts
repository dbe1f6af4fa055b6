import type { Address, EvolutionClient, Look } from '../clients/evolution.client.js';
import type { GroupChange, GroupNow, MemberAction, MemberOutcome } from '../clients/evolution.group.js';
import type { Tenancy } from '../models/index.js';
import type { Phone } from '../models/phone.js';
import { Problem } from '../utils/problem.js';
import { groupView, keepFacts, memberView, type GroupView, type MemberView } from './directory.js';
import { done, reach } from './reach.js';

export interface GroupDetail extends GroupView {
  participants: MemberView[];
  /** As its node says now; null where it could not be asked. */
  pictureUrl: string | null;
  onlyAdminsSend: boolean | null;
  onlyAdminsEdit: boolean | null;
}
export interface NewGroup {
  subject: string;
  description?: string;
  participants: string[];
}
/** `pictureMediaId`: an image that is stored here. */
export type GroupUpdate = Omit<GroupChange, 'picture'> & { pictureMediaId?: number };

export type Groups = ReturnType<typeof createGroups>;

/** What WhatsApp says of a group that is not there, or not for this phone (recorded: group_findGroupInfos.json). */
const UNKNOWN = /item-not-found|not-acceptable|No participants/;
/** And of what this phone may not do in it: Baileys passes on the server's words. */
const NOT_ALLOWED = /not-authorized|forbidden|not-allowed/;

/** As `done`; and what WhatsApp itself refused is told as that. */
function ofGroup<T>(answer: Look<T>, group: string): T {
  if (answer.kind === 'missing' || (answer.kind === 'error' && UNKNOWN.test(answer.cause)))
    throw new Problem('not_found', `This phone is in no group ${group}`);
  if (answer.kind === 'error' && NOT_ALLOWED.test(answer.cause))
    throw new Problem('not_allowed_by_whatsapp', `WhatsApp does not let this phone do that in ${group}`);
  return done(answer);
}

/** What a phone does with its groups, at once, through its node. */
export function createGroups(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  evolution: Pick<
    EvolutionClient,
    | 'findGroup'
    | 'createGroup'
    | 'changeMembers'
    | 'changeGroup'
    | 'invite'
    | 'renewInvite'
    | 'join'
    | 'leave'
  >;
  /** A stored image as base64. Problems: not_found, unprocessable, media_not_stored. */
  imageOf: (userId: number, mediaId: number) => Promise<string>;
}) {
  const { tenancy, evolution, imageOf } = deps;

  const at = (userId: number, phoneId: number) =>
    tenancy.inTenant(userId, (models) => reach(models, phoneId));

  async function detail(phone: Phone, group: string, now: GroupNow | null): Promise<GroupDetail> {
    return tenancy.inTenant(phone.userId, async (models) => {
      if (now) await keepFacts(models, phone, now.facts);
      const known = await models.directory.findGroup(phone.id, group);
      if (!known) throw new Problem('not_found', `This phone is in no group ${group}`);
      const members = await models.directory.listMembers(phone.id, group);
      return {
        ...groupView(known),
        participants: members.map(memberView),
        pictureUrl: now?.pictureUrl ?? null,
        onlyAdminsSend: now?.onlyAdminsSend ?? null,
        onlyAdminsEdit: now?.onlyAdminsEdit ?? null,
      };
    });
  }

  const readNow = async (phone: Phone, address: Address, group: string): Promise<GroupDetail> =>
    detail(phone, group, ofGroup(await evolution.findGroup(address, group), group));

  return {
    /** As its node tells it, or as it was last told of while the phone is not connected. Problem: not_found. */
    async find(userId: number, phoneId: number, group: string): Promise<GroupDetail> {
      const phone = await tenancy.inTenant(userId, (models) => models.phones.find(phoneId));
      if (!phone) throw new Problem('not_found', `There is no phone ${phoneId}`);
      if (!phone.isConnected) return detail(phone, group, null);
      const { address } = await at(userId, phoneId);
      return readNow(phone, address, group);
    },

    /** Whoever may not be added is left out: compare `participants`. Problems: not_found, phone_offline, unavailable. */
    async create(userId: number, phoneId: number, wanted: NewGroup): Promise<GroupDetail> {
      const { phone, address } = await at(userId, phoneId);
      const made = done(await evolution.createGroup(address, wanted));
      if (!made) throw new Problem('unavailable', 'The node of this phone did not say what it made');
      return detail(phone, made.group, made);
    },

    /** Problems: not_found (phone, group, media), not_allowed_by_whatsapp, phone_offline, unprocessable, media_not_stored, unavailable. */
    async update(
      userId: number,
      phoneId: number,
      { group, to }: { group: string; to: GroupUpdate },
    ): Promise<GroupDetail> {
      const { pictureMediaId, ...change } = to;
      const picture = pictureMediaId === undefined ? {} : { picture: await imageOf(userId, pictureMediaId) };
      const { phone, address } = await at(userId, phoneId);
      ofGroup(await evolution.changeGroup(address, group, { ...change, ...picture }), group);
      return readNow(phone, address, group);
    },

    /** What became of each. Problems: as for an update. */
    async changeMembers(
      userId: number,
      phoneId: number,
      { group, ...change }: { group: string; action: MemberAction; participants: string[] },
    ): Promise<MemberOutcome[]> {
      const { phone, address } = await at(userId, phoneId);
      const outcomes = ofGroup(await evolution.changeMembers(address, group, change), group);
      await readNow(phone, address, group);
      return outcomes;
    },

    /** Problems: as for an update. */
    async invite(userId: number, phoneId: number, group: string): Promise<string> {
      const { address } = await at(userId, phoneId);
      return ofGroup(await evolution.invite(address, group), group);
    },

    async renewInvite(userId: number, phoneId: number, group: string): Promise<string> {
      const { address } = await at(userId, phoneId);
      return ofGroup(await evolution.renewInvite(address, group), group);
    },

    /** Problems: not_found (phone, or an invite that opens nothing), phone_offline, unavailable. */
    async join(userId: number, phoneId: number, invite: string): Promise<GroupDetail> {
      const { phone, address } = await at(userId, phoneId);
      const group = ofGroup(await evolution.join(address, invite), 'by that invite');
      if (!group) throw new Problem('unavailable', 'The node of this phone did not say what it joined');
      return readNow(phone, address, group);
    },

    async leave(userId: number, phoneId: number, group: string): Promise<void> {
      const { phone, address } = await at(userId, phoneId);
      ofGroup(await evolution.leave(address, group), group);
      await tenancy.inTenant(userId, (models) =>
        models.people.noteMembers(
          { userId, phoneId, chat: group, at: new Date() },
          [{ address: phone.phoneNumber, role: 'gone' }],
          { isAll: false },
        ),
      );
    },
  };
}
