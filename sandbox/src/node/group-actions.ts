import { badRequest, nodeError } from '../http/errors.js';
import { behaviourOf } from '../network/behaviours.js';
import { groupView, memberView, type Group, type GroupInfo, type Member } from '../network/groups.js';
import { addressOf, isGroup, jidOf, numberOf, pictureOf } from '../network/jid.js';
import { sentId } from '../utils/ids.js';
import type { Json } from '../utils/json.js';
import { nowSeconds } from '../utils/time.js';
import type { Context } from './context.js';
import { ownNumber, type Instance } from './instance.js';

type Needs = Pick<Context, 'network' | 'groups' | 'contacts'>;

export type Action = 'add' | 'remove' | 'promote' | 'demote';

const participant = (number: string, error?: string): Json => ({
  status: error ?? '200',
  jid: jidOf(number),
  content: {
    tag: 'participant',
    attrs: { jid: jidOf(number), ...(error ? { error } : {}) },
    ...(error === '403'
      ? {
          content: [
            { tag: 'add_request', attrs: { code: 'INVCODE', expiration: String(nowSeconds() + 259_200) } },
          ],
        }
      : {}),
  },
});

const listView = (group: Group, withMembers: boolean): Json => {
  const {
    addressingMode: _a,
    descOwner: _o,
    descTime: _t,
    joinApprovalMode: _j,
    memberAddMode: _m,
    ...rest
  } = groupView(group);
  const { participants, ...bare } = rest;
  return { ...bare, pictureUrl: pictureOf(group.jid), ...(withMembers ? { participants } : {}) };
};

/** The members after an action on those whom it may touch. */
const afterwards = (members: readonly Member[], action: Action, numbers: readonly string[]): Member[] => {
  if (action === 'add') return [...members, ...numbers.map((number) => ({ number, admin: null }))];
  if (action === 'remove') return members.filter(({ number }) => !numbers.includes(number));
  const admin = action === 'promote' ? ('admin' as const) : null;
  return members.map((member) => (numbers.includes(member.number) ? { ...member, admin } : member));
};

/** What an instance does with groups; every change is told to all members' devices. */
export const createGroupActions = ({ network, groups, contacts }: Needs) => {
  const exists = async (number: string): Promise<boolean> =>
    behaviourOf(number).exists !== false || (await network.linked([number])).has(number);

  const tell = async (numbers: readonly string[], event: string, data: unknown): Promise<void> => {
    await Promise.all(
      numbers.map((number) => network.post({ number, kind: 'news', payload: { event, data } })),
    );
  };
  const tellCreated = async (group: Group, author: string, numbers: readonly string[]): Promise<void> => {
    const chat = { remoteJid: group.jid, instanceId: '{instanceId}' };
    await tell(numbers, 'groups.upsert', [{ ...groupView(group), author: jidOf(author) }]);
    await tell(numbers, 'chats.upsert', [{ ...chat, name: group.info.subject, unreadMessages: 0 }]);
    await tell(numbers, 'chats.update', [chat]);
  };
  const numbersOf = (group: Group): string[] => group.members.map(({ number }) => number);

  /** @throws what a real node answers when it cannot do `what` for want of a connection. */
  const requireLine = ({ client }: Instance, what: string, reading: string): void => {
    if (!client)
      throw nodeError(500, [what, `TypeError: Cannot read properties of undefined (reading '${reading}')`]);
    if (client.stage !== 'open') throw nodeError(500, [what, 'Error: Connection Closed']);
  };
  const find = async (jid: string, otherwise: readonly string[], status = 404): Promise<Group> => {
    const group = await groups.find(jid);
    if (!group) throw nodeError(status, otherwise);
    return group;
  };
  const describe = async (instance: Instance, jid: string, edit: Partial<GroupInfo>): Promise<void> => {
    const group = await groups.change(jid, ({ info }) => ({ info: { ...info, ...edit } }));
    if (!group) throw badRequest('Error updating group', 'Error: item-not-found');
    const { subject, desc, restrict, announce } = edit;
    const news = { id: jid, subject, desc, restrict, announce, author: jidOf(ownNumber(instance)) };
    await tell(numbersOf(group), 'groups.update', [JSON.parse(JSON.stringify(news)) as Json]);
    await tell(numbersOf(group), 'chats.update', [{ remoteJid: jid, instanceId: '{instanceId}' }]);
  };

  return {
    create: async (
      instance: Instance,
      input: { subject: string; description?: string; participants: string[] },
    ) => {
      requireLine(instance, 'Error creating group', 'groupCreate');
      const own = ownNumber(instance);
      const now = nowSeconds();
      const wanted = input.participants
        .map((number) => numberOf(addressOf(number)))
        .filter((number) => number !== own);
      const there = await Promise.all(wanted.map(exists));
      const members: Member[] = [
        { number: own, admin: 'superadmin' },
        ...wanted.filter((_, i) => there[i]).map((number) => ({ number, admin: null })),
      ];
      const desc = input.description
        ? { desc: input.description, descId: sentId(), descOwner: own, descTime: now }
        : {};
      const facts = {
        subject: input.subject,
        subjectOwner: own,
        subjectTime: now,
        creation: now,
        owner: own,
      };
      const group = await groups.create({ ...facts, ...desc, restrict: false, announce: false }, members);
      await tellCreated(group, own, numbersOf(group));
      return groupView(group);
    },
    info: async (jid: string): Promise<Json> =>
      listView(await find(jid, ['Error fetching group', 'Error: item-not-found']), true),
    all: async (instance: Instance, withMembers: boolean): Promise<Json[]> => {
      const list = await groups.listOf(ownNumber(instance));
      return list.map((group) => listView(group, withMembers));
    },
    participants: async (instance: Instance, jid: string): Promise<Json> => {
      const group = await find(jid, ['No participants', 'Error: item-not-found']);
      const known = new Map((await contacts.list(instance.id, {})).map((row) => [row['remoteJid'], row]));
      const view = (member: Member): Json => {
        const contact = known.get(jidOf(member.number));
        const named = contact ? { name: contact['pushName'] ?? '', imgUrl: contact['profilePicUrl'] } : {};
        return { ...memberView(member), ...named };
      };
      return { participants: group.members.map(view) };
    },
    update: async (
      instance: Instance,
      jid: string,
      input: { action: Action; participants: string[] },
    ): Promise<Json> => {
      const { action } = input;
      await find(jid, ['Error updating participants', 'Error: item-not-found'], 400);
      const numbers = input.participants.map((number) => numberOf(addressOf(number)));
      const there = await Promise.all(numbers.map(exists));
      let answers: Json[] = [];
      let touched: string[] = [];
      const group = await groups.change(jid, ({ members }) => {
        const isMember = (number: string): boolean => members.some((member) => member.number === number);
        const refusal = (number: string, i: number): string | undefined => {
          if (action !== 'add') return isMember(number) ? undefined : '404';
          if (!there[i]) return '404';
          return isMember(number) ? '409' : behaviourOf(number).private ? '403' : undefined;
        };
        const refusals = numbers.map(refusal);
        answers = numbers.map((number, i) => participant(number, refusals[i]));
        touched = numbers.filter((_, i) => refusals[i] === undefined);
        return { members: afterwards(members, action, touched) };
      });
      const participants = touched.map((number) => ({ id: jidOf(number), admin: null }));
      const everyone = [...new Set([...numbersOf(group!), ...touched])];
      const author = ownNumber(instance);
      if (touched.length > 0)
        await tell(everyone, 'group-participants.update', {
          id: jid,
          author: jidOf(author),
          participants,
          action,
        });
      if (action === 'add') await tellCreated(group!, author, touched);
      return { updateParticipants: answers };
    },
    describe,
    invite: async (jid: string): Promise<Json> => {
      const { inviteCode } = await find(jid, ['No invite code', 'Error: item-not-found']);
      return { inviteUrl: `https://chat.whatsapp.com/${inviteCode}`, inviteCode };
    },
    revokeInvite: async (jid: string): Promise<Json> => {
      const inviteCode = await groups.renewInvite(jid);
      if (!inviteCode) throw nodeError(404, ['Revoke error', 'Error: item-not-found']);
      return { revoked: true, inviteCode };
    },
    byInvite: async (inviteCode: string): Promise<Json> => {
      const group = await groups.findByInvite(inviteCode);
      if (!group) throw nodeError(404, ['No invite info', inviteCode]);
      return listView(group, true);
    },
    join: async (instance: Instance, inviteCode: string): Promise<Json> => {
      const known = await groups.findByInvite(inviteCode);
      if (!known) throw nodeError(404, ['Accept invite error', 'Error: not-acceptable']);
      const own = ownNumber(instance);
      const group = await groups.change(known.jid, ({ members }) => ({
        members: members.some(({ number }) => number === own)
          ? members
          : [...members, { number: own, admin: null }],
      }));
      await tellCreated(group!, own, [own]);
      return { accepted: true, groupJid: known.jid };
    },
    leave: async (instance: Instance, jid: string): Promise<Json> => {
      const own = ownNumber(instance);
      const group = await groups.change(jid, ({ members }) => ({
        members: members.filter(({ number }) => number !== own),
      }));
      if (!group) throw badRequest('Unable to leave the group', 'Error: item-not-found');
      const participants = [{ id: jidOf(own), admin: null }];
      await tell(numbersOf(group), 'group-participants.update', {
        id: jid,
        author: jidOf(own),
        participants,
        action: 'remove',
      });
      return { groupJid: jid, leave: true };
    },
    /** Whether an address is a group's; calls without one are refused. */
    requireJid: (jid: unknown): string => {
      if (typeof jid === 'string' && jid) return isGroup(jid) ? jid : `${jid}@g.us`;
      throw badRequest('The group id needs to be informed in the query', 'ex: "groupJid=120362@g.us"');
    },
  };
};

export type GroupActions = ReturnType<typeof createGroupActions>;
