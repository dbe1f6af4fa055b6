import { Router } from 'express';
import { badRequest, NodeError, nodeError, type Answer } from '../http/errors.js';
import type { Guards } from '../http/middleware.js';
import { handle } from '../http/respond.js';
import { validate, type Schema } from '../http/schema.js';
import type { ChatActions } from '../node/chat-actions.js';
import type { Directory } from '../node/directory.js';
import { ownNumber, type Instance } from '../node/instance.js';
import type { Registry } from '../node/registry.js';
import { behaviourOf } from '../network/behaviours.js';
import { addressOf, numberOf, pictureOf } from '../network/jid.js';
import type { Contacts } from '../store/contacts.js';
import type { Instances } from '../store/instances.js';
import type { Messages } from '../store/messages.js';
import { asObject, isBase64, type Json } from '../utils/json.js';
import { sleep } from '../utils/time.js';

interface Needs {
  readonly guards: Guards;
  readonly registry: Registry;
  readonly directory: Directory;
  readonly messages: Messages;
  readonly contacts: Contacts;
  readonly instances: Instances;
  readonly actions: ChatActions;
}

type Method = 'get' | 'post' | 'put' | 'delete';

interface Call {
  readonly method: Method;
  readonly path: string;
  /** What a real node fails to read when another node holds the instance. */
  readonly reading: string;
  readonly schema?: Schema;
  readonly work: (instance: Instance, body: Json) => Promise<Answer> | Answer;
}

const PRESENCES = ['unavailable', 'available', 'composing', 'recording', 'paused'];
const requiring = (required: readonly string[], properties: Record<string, Schema> = {}): Schema => ({
  type: 'object',
  required,
  properties,
});

const pageOf = (body: Json): { page: number; size: number } => ({
  page: Math.max(1, Number(body['page'] ?? 1)),
  size: Math.max(1, Number(body['offset'] ?? 50)),
});
const digitsOf = (body: Json): string => numberOf(addressOf(String(body['number'])));

const findCalls = ({ messages, contacts }: Needs): Call[] => [
  {
    method: 'post',
    path: 'findMessages',
    reading: 'fetchMessages',
    work: async ({ id }, body) => {
      const { page, size } = pageOf(body);
      const { total, records } = await messages.page(id, asObject(body['where']), { page, size });
      return [200, { messages: { total, pages: Math.ceil(total / size), currentPage: page, records } }];
    },
  },
  {
    method: 'post',
    path: 'findStatusMessage',
    reading: 'fetchStatusMessage',
    work: async ({ id }, body) => [200, await messages.statuses(id, asObject(body['where']), pageOf(body))],
  },
  {
    method: 'post',
    path: 'findChats',
    reading: 'fetchChats',
    work: async ({ id }, body) => {
      const { remoteJid } = asObject(body['where']) as { remoteJid?: string };
      return [200, await contacts.chats(id, remoteJid)];
    },
  },
  {
    method: 'post',
    path: 'findContacts',
    reading: 'fetchContacts',
    work: async ({ id }, body) => [200, await contacts.list(id, asObject(body['where']))],
  },
];

const profileCalls: Call[] = [
  {
    method: 'post',
    path: 'fetchProfilePictureUrl',
    reading: 'profilePicture',
    work: ({ client }, body) => {
      const wuid = addressOf(String(body['number']));
      const hidden = client?.stage !== 'open' || wuid.startsWith('0', 9) || /1111@/.test(wuid);
      return [200, { wuid, profilePictureUrl: hidden ? null : pictureOf(wuid) }];
    },
  },
  {
    method: 'post',
    path: 'fetchProfile',
    reading: 'fetchProfile',
    work: (_instance, body) => {
      const wuid = addressOf(String(body['number']));
      const numberExists = behaviourOf(digitsOf(body)).exists !== false;
      const status = { status: 'Hey there! I am using WhatsApp.', setAt: new Date(0) };
      return [200, { wuid, numberExists, picture: pictureOf(wuid), status, isBusiness: false }];
    },
  },
  {
    method: 'post',
    path: 'fetchBusinessProfile',
    reading: 'fetchBusinessProfile',
    work: (_instance, body) => {
      const jid = addressOf(String(body['number']));
      const answer = {
        isBusiness: false,
        message: 'Not is business profile',
        jid,
        exists: true,
        number: jid,
        name: '',
      };
      return [200, answer];
    },
  },
  {
    method: 'get',
    path: 'fetchPrivacySettings',
    reading: 'fetchPrivacySettings',
    work: () => [
      200,
      {
        readreceipts: 'all',
        profile: 'all',
        status: 'contacts',
        online: 'all',
        last: 'all',
        groupadd: 'all',
      },
    ],
  },
];

/** Not recorded: from `whatsapp.baileys.service.ts` of the real nodes. Only pictures as base64 are simulated. */
const ownProfileCalls = ({ instances }: Needs): Call[] => {
  const requireLine = ({ client }: Instance, what: string): void => {
    if (client?.stage !== 'open') throw nodeError(500, [what, 'Error: Connection Closed']);
  };
  const UPDATED = { update: 'success' };
  return [
    {
      method: 'post',
      path: 'updateProfileName',
      reading: 'updateProfileName',
      schema: requiring([], { name: { type: 'string', minLength: 1 } }),
      work: async (instance, body) => {
        requireLine(instance, 'Error updating profile name');
        await instances.writeConnection({ id: instance.id, profileName: String(body['name']) });
        return [200, UPDATED];
      },
    },
    {
      method: 'post',
      path: 'updateProfileStatus',
      reading: 'updateProfileStatus',
      schema: requiring([], { status: { type: 'string', minLength: 1 } }),
      work: (instance) => {
        requireLine(instance, 'Error updating profile status');
        return [200, UPDATED];
      },
    },
    {
      method: 'post',
      path: 'updateProfilePicture',
      reading: 'updateProfilePicture',
      work: async (instance, body) => {
        requireLine(instance, 'Error updating profile picture');
        const { picture } = body;
        if (!isBase64(picture)) throw nodeError(500, ['Error updating profile picture', 'Error: no picture']);
        const url = `${pictureOf(addressOf(ownNumber(instance)))}&v=${picture.length}`;
        await instances.writeConnection({ id: instance.id, profilePicUrl: url });
        return [200, UPDATED];
      },
    },
    {
      method: 'delete',
      path: 'removeProfilePicture',
      reading: 'removeProfilePicture',
      work: async (instance) => {
        requireLine(instance, 'Error removing profile picture');
        await instances.writeConnection({ id: instance.id, profilePicUrl: '' });
        return [200, UPDATED];
      },
    },
  ];
};

const actionCalls = ({ actions }: Needs): Call[] => [
  {
    method: 'post',
    path: 'markMessageAsRead',
    reading: 'markMessageAsRead',
    schema: requiring(['readMessages'], { readMessages: { type: 'array' } }),
    work: async (instance, body) => [201, await actions.markRead(instance, body['readMessages'] as Json[])],
  },
  {
    method: 'post',
    path: 'sendPresence',
    reading: 'sendPresence',
    schema: requiring(['number', 'presence', 'delay'], { presence: { type: 'string', enum: PRESENCES } }),
    work: async (instance, body) => {
      await actions.sendPresence(instance, digitsOf(body), String(body['presence']));
      await sleep(Number(body['delay']));
      return [201, { presence: body['presence'] }];
    },
  },
  {
    method: 'post',
    path: 'updateMessage',
    reading: 'updateMessage',
    schema: requiring(['number', 'key', 'text']),
    work: async (instance, body) => [
      200,
      await actions.edit(instance, asObject(body['key']), String(body['text'])),
    ],
  },
  {
    method: 'delete',
    path: 'deleteMessageForEveryone',
    reading: 'deleteMessage',
    schema: requiring(['id', 'fromMe', 'remoteJid']),
    work: async (instance, body) => [201, await actions.revoke(instance, body)],
  },
  {
    method: 'post',
    path: 'getBase64FromMediaMessage',
    reading: 'getBase64FromMediaMessage',
    work: async (instance, body) => [
      201,
      await actions.base64(instance, asObject(asObject(body['message'])['key'])),
    ],
  },
  {
    method: 'post',
    path: 'updateBlockStatus',
    reading: 'blockUser',
    schema: requiring(['number', 'status'], { status: { type: 'string', enum: ['block', 'unblock'] } }),
    work: (_instance, body) => [201, { [String(body['status'])]: 'success' }],
  },
  {
    method: 'post',
    path: 'archiveChat',
    reading: 'archiveChat',
    // A pairing of the simulated network has no app state keys, as in the recording.
    work: () => {
      const message = [
        'An error occurred while archiving the chat. Open a calling.',
        'Error: App state key not present!',
      ];
      throw nodeError(500, [{ archived: false, message }]);
    },
  },
];

export const chatRoutes = (needs: Needs): Router => {
  const { guards, registry, directory } = needs;
  const router = Router();
  router.post(
    '/whatsappNumbers/:instanceName',
    guards.ofInstance,
    handle(async (req) => {
      const numbers = asObject(req.body)['numbers'];
      const instance = registry.held.get(String(req.params['instanceName']));
      // Without `numbers`, and on another node's instance, real nodes answer an error that is no JSON text at all.
      if (!Array.isArray(numbers) || !instance) throw new NodeError(400, {});
      if (numbers.length === 0) {
        const message = [['numbers does not meet minimum length of 1']];
        throw new NodeError(400, { status: 400, error: 'Bad Request', message });
      }
      return [200, await directory.check(instance, numbers.map(String))];
    }),
  );
  for (const { method, path, reading, schema, work } of [
    ...findCalls(needs),
    ...profileCalls,
    ...ownProfileCalls(needs),
    ...actionCalls(needs),
  ]) {
    router[method](
      `/${path}/:instanceName`,
      guards.ofInstance,
      handle((req) => {
        const body = schema ? validate(req.body, schema) : asObject(req.body);
        return work(registry.get(String(req.params['instanceName']), reading), body);
      }),
    );
  }
  return router;
};

/** `POST /call/offer/{instance}`. */
export const callRoutes = ({ guards, registry }: Pick<Needs, 'guards' | 'registry'>): Router =>
  Router().post(
    '/offer/:instanceName',
    guards.ofInstance,
    handle((req) => {
      registry.get(String(req.params['instanceName']), 'offerCall');
      const { number, isVideo, callDuration } = asObject(req.body);
      if (!number) throw badRequest(['instance requires property "number"']);
      return [201, { id: '123', jid: addressOf(String(number)), isVideo, callDuration }];
    }),
  );
