import type { AxiosResponse } from 'axios';
import { addressOf, jidOf, recipientOf } from './evolution.address.js';
import type { Fact } from './evolution.fact.js';
import type { Address, Look } from './evolution.look.js';
import { groupFacts } from './evolution.people.js';
import { isObject, object, text, type Json } from './evolution.value.js';

export type MemberAction = 'add' | 'remove' | 'promote' | 'demote';

/** A group as its node tells it at this moment; `facts` are what there is to keep of it. */
export interface GroupNow {
  group: string;
  pictureUrl: string | null;
  onlyAdminsSend: boolean;
  onlyAdminsEdit: boolean;
  facts: Fact[];
}

/** What became of one participant. `done` where nothing was in the way. */
export interface MemberOutcome {
  participant: string;
  outcome: 'done' | 'not_allowed' | 'not_found' | 'member_already' | 'refused';
}

export interface GroupChange {
  subject?: string;
  description?: string;
  /** Base64. */
  picture?: string;
  onlyAdminsSend?: boolean;
  onlyAdminsEdit?: boolean;
}

interface Door {
  call(
    request: { method: 'get' | 'post' | 'delete'; path: string; params?: Json; body?: Json },
    address: Address,
  ): Promise<AxiosResponse>;
  look<T>(call: Promise<AxiosResponse>, read: (body: unknown) => T): Promise<Look<T>>;
}

/** The statuses that a participant can get (recorded: group_updateParticipant.json). */
const OUTCOMES: Record<string, MemberOutcome['outcome']> = {
  '200': 'done',
  '403': 'not_allowed',
  '404': 'not_found',
  '409': 'member_already',
};

/** Recorded: group_findGroupInfos.json, group_create.json. Null: not a group. */
function groupNowOf(body: unknown): GroupNow | null {
  const one = object(body);
  const group = addressOf(one['id']);
  if (!group?.startsWith('group:')) return null;
  return {
    group,
    pictureUrl: text(one['pictureUrl']),
    onlyAdminsSend: one['announce'] === true,
    onlyAdminsEdit: one['restrict'] === true,
    facts: groupFacts(one, new Date()),
  };
}

const outcomesOf = (body: unknown): MemberOutcome[] => {
  const list = object(body)['updateParticipants'];
  return (Array.isArray(list) ? list : []).filter(isObject).map((one) => ({
    participant: addressOf(one['jid']) ?? '',
    outcome: OUTCOMES[String(one['status'])] ?? 'refused',
  }));
};

const inviteOf = (body: unknown): string => text(object(body)['inviteCode']) ?? '';

/** What a phone does with groups. */
export const groupCalls = ({ call, look }: Door) => {
  const of = (group: string) => ({ groupJid: jidOf(group) });
  const change = (address: Address, group: string, { path, body }: { path: string; body: Json }) =>
    look<true>(
      call({ method: 'post', path: `/group/${path}`, params: of(group), body }, address),
      () => true,
    );

  return {
    /** All that it is in, with their members, as facts. Recorded: group_fetchAllGroups.json. */
    listGroups: (address: Address): Promise<Look<Fact[]>> =>
      look(
        call({ method: 'get', path: '/group/fetchAllGroups', params: { getParticipants: 'true' } }, address),
        (body) => groupFacts(body, new Date()),
      ),

    findGroup: (address: Address, group: string): Promise<Look<GroupNow | null>> =>
      look(call({ method: 'get', path: '/group/findGroupInfos', params: of(group) }, address), groupNowOf),

    createGroup: (
      address: Address,
      group: { subject: string; description?: string | undefined; participants: readonly string[] },
    ): Promise<Look<GroupNow | null>> => {
      const { subject, description, participants } = group;
      const body = {
        subject,
        ...(description ? { description } : {}),
        participants: participants.map(recipientOf),
      };
      return look(call({ method: 'post', path: '/group/create', body }, address), groupNowOf);
    },

    changeMembers: (
      address: Address,
      group: string,
      { action, participants }: { action: MemberAction; participants: readonly string[] },
    ): Promise<Look<MemberOutcome[]>> => {
      const body = { action, participants: participants.map(recipientOf) };
      const request = { method: 'post', path: '/group/updateParticipant', params: of(group), body } as const;
      return look(call(request, address), outcomesOf);
    },

    /** One thing of it after the other; what comes after one that was refused is not tried. */
    async changeGroup(address: Address, group: string, to: GroupChange): Promise<Look<true>> {
      const { subject, description, picture, onlyAdminsSend, onlyAdminsEdit } = to;
      const setting = (action: string) => ({ path: 'updateSetting', body: { action } });
      const steps = [
        ...(subject === undefined ? [] : [{ path: 'updateGroupSubject', body: { subject } }]),
        ...(description === undefined ? [] : [{ path: 'updateGroupDescription', body: { description } }]),
        ...(picture === undefined ? [] : [{ path: 'updateGroupPicture', body: { image: picture } }]),
        ...(onlyAdminsSend === undefined
          ? []
          : [setting(onlyAdminsSend ? 'announcement' : 'not_announcement')]),
        ...(onlyAdminsEdit === undefined ? [] : [setting(onlyAdminsEdit ? 'locked' : 'unlocked')]),
      ];
      for (const step of steps) {
        const done = await change(address, group, step);
        if (done.kind !== 'ok') return done;
      }
      return { kind: 'ok', value: true };
    },

    /** The code of the link that lets people join. Recorded: group_inviteCode.json. */
    invite: (address: Address, group: string): Promise<Look<string>> =>
      look(call({ method: 'get', path: '/group/inviteCode', params: of(group) }, address), inviteOf),

    /** Makes another; the former one opens nothing any more. Recorded: group_revokeInviteCode.json. */
    renewInvite: (address: Address, group: string): Promise<Look<string>> =>
      look(call({ method: 'post', path: '/group/revokeInviteCode', params: of(group) }, address), inviteOf),

    /** Recorded: group_acceptInviteCode.json. */
    join: (address: Address, inviteCode: string): Promise<Look<string | null>> =>
      look(
        call({ method: 'get', path: '/group/acceptInviteCode', params: { inviteCode } }, address),
        (body) => addressOf(object(body)['groupJid']),
      ),

    leave: (address: Address, group: string): Promise<Look<true>> =>
      look(call({ method: 'delete', path: '/group/leaveGroup', params: of(group) }, address), () => true),
  };
};
