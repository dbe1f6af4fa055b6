import type { Response } from 'express';
import type { Directory } from '../services/directory.js';
import type { Groups, GroupUpdate, NewGroup } from '../services/group.js';
import type { Req } from '../utils/endpoint.js';
import { readName, sendNamedPage, type PageQuery } from './page.js';

interface OfPhone {
  params: { id: number };
}
export interface ListGroupsInput extends OfPhone {
  query: PageQuery & { search?: string };
}
export interface CreateGroupInput extends OfPhone {
  body: NewGroup;
}
export interface JoinGroupInput extends OfPhone {
  body: { invite: string };
}
export interface GroupInput {
  params: { id: number; group: string };
}
export interface UpdateGroupInput extends GroupInput {
  body: GroupUpdate;
}
export interface MembersInput extends GroupInput {
  body: { action: 'add' | 'remove' | 'promote' | 'demote'; participants: string[] };
}

const inviteView = (code: string) => ({ code, url: `https://chat.whatsapp.com/${code}` });

export const groupController = ({ directory, groups }: { directory: Directory; groups: Groups }) => ({
  async list(req: Req<ListGroupsInput>, res: Response) {
    const { cursor: _cursor, ...query } = req.input.query;
    const filter = { ...query, phoneId: req.input.params.id, after: readName(req.input.query) };
    sendNamedPage(res, await directory.listGroups(req.caller.userId, filter), ({ group }) => group);
  },

  async create(req: Req<CreateGroupInput>, res: Response) {
    const { id } = req.input.params;
    const made = await groups.create(req.caller.userId, id, req.input.body);
    res.status(201).location(`/api/phones/${id}/groups/${made.group}`).json(made);
  },

  async join(req: Req<JoinGroupInput>, res: Response) {
    const invite = req.input.body.invite.replace(/^https:\/\/chat\.whatsapp\.com\//, '');
    res.json(await groups.join(req.caller.userId, req.input.params.id, invite));
  },

  async find(req: Req<GroupInput>, res: Response) {
    const { id, group } = req.input.params;
    res.json(await groups.find(req.caller.userId, id, group));
  },

  async update(req: Req<UpdateGroupInput>, res: Response) {
    const { id, group } = req.input.params;
    res.json(await groups.update(req.caller.userId, id, { group, to: req.input.body }));
  },

  async leave(req: Req<GroupInput>, res: Response) {
    const { id, group } = req.input.params;
    await groups.leave(req.caller.userId, id, group);
    res.status(204).end();
  },

  async changeMembers(req: Req<MembersInput>, res: Response) {
    const { id, group } = req.input.params;
    res.json({ data: await groups.changeMembers(req.caller.userId, id, { group, ...req.input.body }) });
  },

  async invite(req: Req<GroupInput>, res: Response) {
    const { id, group } = req.input.params;
    res.json(inviteView(await groups.invite(req.caller.userId, id, group)));
  },

  async renewInvite(req: Req<GroupInput>, res: Response) {
    const { id, group } = req.input.params;
    res.json(inviteView(await groups.renewInvite(req.caller.userId, id, group)));
  },
});
