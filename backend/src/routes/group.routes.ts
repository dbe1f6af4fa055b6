import Joi from 'joi';
import type {
  CreateGroupInput,
  GroupInput,
  groupController,
  JoinGroupInput,
  ListGroupsInput,
  MembersInput,
  UpdateGroupInput,
} from '../controllers/group.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import type { ProblemCode } from '../utils/problem.js';
import { search } from './contact.routes.js';
import { id, listOf, page, phoneNumber } from './shapes.js';

const params = Joi.object({ id: id.required() });
const groupName = Joi.string()
  .pattern(/^group:\d[\d-]{4,40}$/, 'group:<id>')
  .description('`group:<id>`')
  .example('group:120363033523333101');
const groupParams = Joi.object({ id: id.required(), group: groupName.required() });
const subject = Joi.string().trim().min(1).max(100).prefs({ convert: true }).example('Customers');
const description = Joi.string().max(2048);
const participants = Joi.array()
  .items(phoneNumber)
  .min(1)
  .max(100)
  .unique()
  .required()
  .example(['+628987654321']);

const fields = {
  group: groupName.required(),
  subject: Joi.string().allow(null, '').required(),
  description: Joi.string().allow(null, '').required(),
  owner: Joi.string().allow(null).required(),
  members: Joi.number().integer().min(0).required(),
};
const group = Joi.object(fields).id('Group');
const live = Joi.boolean().allow(null).required();
const groupDetail = Joi.object({
  ...fields,
  participants: Joi.array()
    .items(
      Joi.object({
        participant: Joi.string().required(),
        role: Joi.string().valid('member', 'admin', 'owner').required(),
        name: Joi.string().allow(null).required(),
      }),
    )
    .required(),
  pictureUrl: Joi.string().allow(null).required(),
  onlyAdminsSend: live.description('null while the phone is not connected'),
  onlyAdminsEdit: live.description('null while the phone is not connected'),
}).id('GroupDetail');
const invite = Joi.object({
  code: Joi.string().required(),
  url: Joi.string().required(),
}).id('GroupInvite');

const atNode: ProblemCode[] = ['not_found', 'phone_offline', 'not_allowed_by_whatsapp'];

export const groupRoutes = (groups: ReturnType<typeof groupController>): Endpoint[] => [
  endpoint<ListGroupsInput>({
    method: 'get',
    path: '/api/phones/:id/groups',
    access: 'groups:read',
    tag: 'Groups',
    summary: 'List the groups that a phone is in, and search them',
    description: 'Its node is asked for more at most every five minutes.',
    input: { params, query: Joi.object({ ...page, search: search.description('Anywhere in a subject') }) },
    output: { 200: listOf(group) },
    problems: ['not_found'],
    handler: groups.list,
  }),
  endpoint<CreateGroupInput>({
    method: 'post',
    path: '/api/phones/:id/groups',
    access: 'groups:write',
    tag: 'Groups',
    summary: 'Create a group',
    description:
      'Who may not be added, or is not on WhatsApp, is not among the `participants` of the answer.',
    input: {
      params,
      body: Joi.object({ subject: subject.required(), description: description, participants }),
    },
    output: { 201: groupDetail },
    problems: ['not_found', 'phone_offline'],
    handler: groups.create,
  }),
  endpoint<JoinGroupInput>({
    method: 'post',
    path: '/api/phones/:id/groups/join',
    access: 'groups:write',
    tag: 'Groups',
    summary: 'Join a group by its invite',
    input: {
      params,
      body: Joi.object({
        invite: Joi.string()
          .pattern(/^(https:\/\/chat\.whatsapp\.com\/)?[\w-]{22}$/, 'an invite link or its code')
          .required()
          .example('https://chat.whatsapp.com/jOKYrzi11Nok1U1ZUa-Zhg'),
      }),
    },
    output: { 200: groupDetail },
    problems: atNode,
    handler: groups.join,
  }),
  endpoint<GroupInput>({
    method: 'get',
    path: '/api/phones/:id/groups/:group',
    access: 'groups:read',
    tag: 'Groups',
    summary: 'Find a group, with its participants',
    input: { params: groupParams },
    output: { 200: groupDetail },
    problems: atNode,
    handler: groups.find,
  }),
  endpoint<UpdateGroupInput>({
    method: 'patch',
    path: '/api/phones/:id/groups/:group',
    access: 'groups:write',
    tag: 'Groups',
    summary: 'Change a group',
    description: 'One thing after the other: what comes after one that WhatsApp refused is not tried.',
    input: {
      params: groupParams,
      body: Joi.object({
        subject,
        description: description.allow(''),
        pictureMediaId: id.description('A JPEG or PNG that is stored here'),
        onlyAdminsSend: Joi.boolean(),
        onlyAdminsEdit: Joi.boolean(),
      })
        .min(1)
        .example({ subject: 'Customers' }),
    },
    output: { 200: groupDetail },
    problems: [...atNode, 'unprocessable', 'media_not_stored'],
    handler: groups.update,
  }),
  endpoint<GroupInput>({
    method: 'delete',
    path: '/api/phones/:id/groups/:group',
    access: 'groups:write',
    tag: 'Groups',
    summary: 'Leave a group',
    input: { params: groupParams },
    output: { 204: null },
    problems: atNode,
    handler: groups.leave,
  }),
  endpoint<MembersInput>({
    method: 'post',
    path: '/api/phones/:id/groups/:group/participants',
    access: 'groups:write',
    tag: 'Groups',
    summary: 'Add, remove, promote or demote participants',
    description: 'What became of each is told one by one: `done`, or why not.',
    input: {
      params: groupParams,
      body: Joi.object({
        action: Joi.string().valid('add', 'remove', 'promote', 'demote').required().example('add'),
        participants,
      }),
    },
    output: {
      200: Joi.object({
        data: Joi.array()
          .items(
            Joi.object({
              participant: Joi.string().required(),
              outcome: Joi.string()
                .valid('done', 'not_allowed', 'not_found', 'member_already', 'refused')
                .required(),
            }),
          )
          .required(),
      }).id('MemberOutcomes'),
    },
    problems: atNode,
    handler: groups.changeMembers,
  }),
  endpoint<GroupInput>({
    method: 'get',
    path: '/api/phones/:id/groups/:group/invite',
    access: 'groups:write',
    tag: 'Groups',
    summary: 'Find the link that lets people join',
    input: { params: groupParams },
    output: { 200: invite },
    problems: atNode,
    handler: groups.invite,
  }),
  endpoint<GroupInput>({
    method: 'post',
    path: '/api/phones/:id/groups/:group/invite',
    access: 'groups:write',
    tag: 'Groups',
    summary: 'Make another link; the former one opens nothing any more',
    input: { params: groupParams },
    output: { 200: invite },
    problems: atNode,
    handler: groups.renewInvite,
  }),
];
