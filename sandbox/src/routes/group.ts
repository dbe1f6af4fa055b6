import { Router, type Request } from 'express';
import { badRequest, nodeError, type Answer } from '../http/errors.js';
import type { Guards } from '../http/middleware.js';
import { handle } from '../http/respond.js';
import { validate, validateGroup, type Schema } from '../http/schema.js';
import { textContent } from '../node/content.js';
import type { Action, GroupActions } from '../node/group-actions.js';
import type { Instance } from '../node/instance.js';
import type { Registry } from '../node/registry.js';
import type { Send } from '../node/send.js';
import { asObject, isBase64, type Json } from '../utils/json.js';
import { nowSeconds } from '../utils/time.js';

interface Needs {
  readonly guards: Guards;
  readonly registry: Registry;
  readonly sender: Send;
  readonly groupActions: GroupActions;
}

const PARTICIPANTS: Schema = {
  type: 'array',
  minItems: 1,
  items: {
    type: 'string',
    minLength: 10,
    pattern: /\d+/,
    description: '"participants" must be an array of numeric strings',
  },
};
const CREATE: Schema = {
  type: 'object',
  required: ['subject', 'participants'],
  properties: { subject: { type: 'string' }, description: { type: 'string' }, participants: PARTICIPANTS },
};
const UPDATE: Schema = {
  type: 'object',
  required: ['action', 'participants'],
  properties: {
    action: { type: 'string', enum: ['add', 'remove', 'promote', 'demote'] },
    participants: PARTICIPANTS,
  },
};
const INVITE: Schema = {
  type: 'object',
  required: ['inviteCode'],
  properties: { inviteCode: { type: 'string', pattern: /^[a-zA-Z0-9]{22}$/ } },
};
const SETTING: Schema = {
  type: 'object',
  required: ['action'],
  properties: {
    action: { type: 'string', enum: ['announcement', 'not_announcement', 'locked', 'unlocked'] },
  },
};
const PICTURE: Schema = {
  type: 'object',
  required: ['image'],
  properties: { image: { type: 'string' } },
};
const SEND_INVITE: Schema = {
  type: 'object',
  required: ['groupJid', 'description', 'numbers'],
  properties: { numbers: { type: 'array', minItems: 1 } },
};

interface Call {
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  readonly reading: string;
  readonly work: (instance: Instance, req: Request) => Promise<Answer> | Answer;
}

const readCalls = ({ groupActions: actions }: Needs): Call[] => {
  const jidOf = ({ query }: Request): string => actions.requireJid(query['groupJid']);
  const code = (req: Request): string => String(validateGroup(req.query, INVITE)['inviteCode']);
  return [
    {
      method: 'get',
      path: 'findGroupInfos',
      reading: 'findGroup',
      work: async (_i, req) => [200, await actions.info(jidOf(req))],
    },
    {
      method: 'get',
      path: 'fetchAllGroups',
      reading: 'fetchAllGroups',
      work: async (instance, { query }) => {
        if (!query['getParticipants'])
          throw badRequest('The getParticipants needs to be informed in the query');
        return [200, await actions.all(instance, query['getParticipants'] === 'true')];
      },
    },
    {
      method: 'get',
      path: 'participants',
      reading: 'findParticipants',
      work: async (instance, req) => [200, await actions.participants(instance, jidOf(req))],
    },
    {
      method: 'get',
      path: 'inviteCode',
      reading: 'inviteCode',
      work: async (_i, req) => [200, await actions.invite(jidOf(req))],
    },
    {
      method: 'get',
      path: 'inviteInfo',
      reading: 'inviteInfo',
      work: async (_i, req) => [200, await actions.byInvite(code(req))],
    },
    {
      method: 'get',
      path: 'acceptInviteCode',
      reading: 'acceptInviteCode',
      work: async (instance, req) => [200, await actions.join(instance, code(req))],
    },
  ];
};

const changeCalls = ({ groupActions: actions, sender }: Needs): Call[] => {
  const jidOf = (req: Request): string =>
    actions.requireJid(req.query['groupJid'] ?? asObject(req.body)['groupJid']);
  return [
    {
      method: 'post',
      path: 'create',
      reading: 'createGroup',
      work: async (instance, { body }) => [
        201,
        await actions.create(instance, validate(body, CREATE) as never),
      ],
    },
    {
      method: 'post',
      path: 'updateParticipant',
      reading: 'updateGParticipant',
      work: async (instance, req) => {
        const { action, participants } = validateGroup(req.body, UPDATE) as {
          action: Action;
          participants: string[];
        };
        return [201, await actions.update(instance, jidOf(req), { action, participants })];
      },
    },
    {
      method: 'post',
      path: 'updateGroupSubject',
      reading: 'updateGroupSubject',
      work: async (instance, req) => {
        await actions.describe(instance, jidOf(req), {
          subject: String(asObject(req.body)['subject']),
          subjectTime: nowSeconds(),
        });
        return [201, { update: 'success' }];
      },
    },
    {
      method: 'post',
      path: 'updateGroupDescription',
      reading: 'updateGroupDescription',
      work: async (instance, req) => {
        await actions.describe(instance, jidOf(req), {
          desc: String(asObject(req.body)['description']),
          descTime: nowSeconds(),
        });
        return [201, { update: 'success' }];
      },
    },
    {
      // Not recorded: from `whatsapp.baileys.service.ts` of the real nodes, of which pictures as base64 are simulated.
      method: 'post',
      path: 'updateGroupPicture',
      reading: 'updateGroupPicture',
      work: async (instance, req) => {
        const { image } = validate(req.body, PICTURE);
        if (!isBase64(image)) throw nodeError(500, ['Error update group picture', 'Error: no picture']);
        await actions.describe(instance, jidOf(req), {});
        return [201, { update: 'success' }];
      },
    },
    {
      method: 'post',
      path: 'updateSetting',
      reading: 'updateGSetting',
      work: async (instance, req) => {
        const action = String(validateGroup(req.body, SETTING)['action']);
        const edit = action.endsWith('locked')
          ? { restrict: action === 'locked' }
          : { announce: action === 'announcement' };
        await actions.describe(instance, jidOf(req), edit);
        return [201, {}];
      },
    },
    {
      method: 'post',
      path: 'toggleEphemeral',
      reading: 'toggleEphemeral',
      work: (_instance, req) => {
        jidOf(req);
        return [201, { success: true }];
      },
    },
    {
      method: 'post',
      path: 'revokeInviteCode',
      reading: 'revokeInviteCode',
      work: async (_instance, req) => [201, await actions.revokeInvite(jidOf(req))],
    },
    {
      method: 'post',
      path: 'sendInvite',
      reading: 'sendInvite',
      work: async (instance, req) => {
        const body = validate(req.body, SEND_INVITE) as Json & { numbers: string[]; description: string };
        const { inviteUrl } = await actions.invite(jidOf(req));
        for (const number of body.numbers) {
          const to = await sender.recipientOf(instance, number);
          await sender.send(instance, to, textContent(`${body.description}\n\n${String(inviteUrl)}`));
        }
        return [200, { send: true, inviteUrl }];
      },
    },
    {
      method: 'delete',
      path: 'leaveGroup',
      reading: 'leaveGroup',
      work: async (instance, req) => [200, await actions.leave(instance, jidOf(req))],
    },
  ];
};

export const groupRoutes = (needs: Needs): Router => {
  const router = Router();
  for (const { method, path, reading, work } of [...readCalls(needs), ...changeCalls(needs)]) {
    router[method](
      `/${path}/:instanceName`,
      needs.guards.ofInstance,
      handle((req) => work(needs.registry.get(String(req.params['instanceName']), reading), req)),
    );
  }
  return router;
};
