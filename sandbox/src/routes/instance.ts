import { Router } from 'express';
import type { Config } from '../config/env.js';
import { badRequest, crashed, databaseError, nodeError } from '../http/errors.js';
import type { Guards } from '../http/middleware.js';
import { handle } from '../http/respond.js';
import { validate, type Schema } from '../http/schema.js';
import { subscription, type Registry } from '../node/registry.js';
import type { Instances, Settings, SettingsStore } from '../store/instances.js';
import { isDatabaseDown } from '../store/database.js';
import type { WebhookInput, Webhooks } from '../store/webhooks.js';
import type { Json } from '../utils/json.js';
import type { Emitter } from '../webhook/emitter.js';
import { EVENTS } from '../webhook/events.js';

interface Needs {
  readonly config: Pick<Config, 'apiKey' | 'name'>;
  readonly guards: Guards;
  readonly registry: Registry;
  readonly instances: Instances;
  readonly settings: SettingsStore;
  readonly webhooks: Webhooks;
  readonly emitter: Emitter;
}

const TEXT: Schema = { type: 'string' };
const FLAG: Schema = { type: 'boolean' };
const CREATE: Schema = {
  type: 'object',
  properties: {
    instanceName: TEXT,
    token: TEXT,
    qrcode: FLAG,
    number: { type: 'string', pattern: /^\d+[.@\w-]+/ },
  },
};
const WEBHOOK: Schema = {
  type: 'object',
  required: ['webhook'],
  properties: {
    webhook: {
      type: 'object',
      required: ['enabled', 'url'],
      properties: {
        enabled: FLAG,
        url: TEXT,
        headers: { type: 'object' },
        byEvents: FLAG,
        base64: FLAG,
        events: { type: 'array', items: { type: 'string', enum: EVENTS } },
      },
    },
  },
};
const SETTINGS: Schema = {
  type: 'object',
  required: ['rejectCall', 'groupsIgnore', 'alwaysOnline', 'readMessages', 'readStatus', 'syncFullHistory'],
  properties: {
    rejectCall: FLAG,
    msgCall: TEXT,
    groupsIgnore: FLAG,
    alwaysOnline: FLAG,
    readMessages: FLAG,
    readStatus: FLAG,
    syncFullHistory: FLAG,
    wavoipToken: TEXT,
  },
};
const PRESENCE: Schema = {
  type: 'object',
  required: ['presence'],
  properties: { presence: { type: 'string', enum: ['available', 'unavailable'] } },
};

const nameOf = (req: { params: Record<string, unknown> }): string => String(req.params['instanceName']);
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value ? value : undefined;

const createLister = ({ config, guards, registry, instances }: Needs) => {
  const info = async (names: readonly string[] | null): Promise<Json[]> => {
    const stranger = names?.find((name) => !registry.held.has(name));
    if (stranger !== undefined) throw nodeError(404, [`Instance "${stranger}" not found`]);
    return instances.details(config.name, names);
  };
  const byId = async (id: string | undefined, number: string | undefined): Promise<Json[]> => {
    const by = { ...(id ? { id } : {}), ...(number ? { number } : {}) };
    const name = await instances.findName(by);
    if (name === null) throw nodeError(404, [`Instance "${id ?? number}" not found`]);
    return info([name]);
  };
  return async (key: string | undefined, query: Record<string, unknown>): Promise<Json[]> => {
    const [name, id, number] = [query['instanceName'], query['instanceId'], query['number']].map(textOf);
    if (!key) throw guards.unauthorized;
    if (key !== config.apiKey) {
      const names = await instances.namesByToken(key);
      if (names.length === 0) throw guards.unauthorized;
      return info(names);
    }
    return id || number ? byId(id, number) : info(name ? [name] : null);
  };
};

export const instanceRoutes = (needs: Needs): Router => {
  const { guards, registry, instances } = needs;
  const list = createLister(needs);
  const checkFree = async (body: Json): Promise<void> => {
    const name = body['instanceName'] as string | undefined;
    const taken = name === undefined ? await instances.any() : await registry.exists(name);
    if (taken) throw nodeError(403, [`This name "${String(name)}" is already in use.`]);
    if (name === undefined) throw badRequest(['instance requires property "instanceName"']);
  };
  return Router()
    .post(
      '/create',
      guards.globalKey,
      handle(async ({ body }) => {
        await checkFree((body ?? {}) as Json);
        const input = validate(body, CREATE);
        if (input['integration'] !== 'WHATSAPP-BAILEYS') throw badRequest('Invalid integration');
        return [201, await registry.create(input)];
      }),
    )
    .get(
      '/fetchInstances',
      handle(async (req) => {
        try {
          return [200, await list(req.get('apikey'), req.query)];
        } catch (error) {
          if (isDatabaseDown(error)) throw databaseError('this.prismaRepository.instance.findMany()');
          throw error;
        }
      }),
    )
    .get(
      '/connect/:instanceName',
      guards.ofInstance,
      handle(async (req) => [200, await registry.connect(nameOf(req), textOf(req.query['number']))]),
    )
    .get(
      '/connectionState/:instanceName',
      guards.ofInstance,
      handle((req) => [200, registry.stateOf(nameOf(req))]),
    )
    .post(
      '/restart/:instanceName',
      guards.ofInstance,
      handle(async (req) => [200, await registry.restart(nameOf(req))]),
    )
    .delete(
      '/logout/:instanceName',
      guards.ofInstance,
      handle(async (req) => [200, await registry.logout(nameOf(req))]),
    )
    .delete(
      '/delete/:instanceName',
      guards.ofInstance,
      handle(async (req) => [200, await registry.remove(nameOf(req))]),
    )
    .post(
      '/setPresence/:instanceName',
      guards.ofInstance,
      handle((req) => {
        const { presence } = validate(req.body, PRESENCE);
        const { client } = registry.get(nameOf(req), 'setPresence');
        if (client?.stage !== 'open') throw crashed('Connection Closed');
        return [201, { presence }];
      }),
    );
};

export const webhookRoutes = ({ guards, registry, webhooks, emitter }: Needs): Router =>
  Router()
    .post(
      '/set/:instanceName',
      guards.ofInstance,
      handle(async (req) => {
        const input = subscription(validate(req.body, WEBHOOK)['webhook'] as WebhookInput);
        const { id } = registry.get(nameOf(req), 'instanceId');
        const row = await webhooks.save(id, input);
        emitter.forget(id);
        return [201, row as unknown as Json];
      }),
    )
    .get(
      '/find/:instanceName',
      guards.ofInstance,
      handle(async (req) => {
        const instance = registry.held.get(nameOf(req));
        return [200, instance ? ((await webhooks.find(instance.id)) as unknown as Json) : null];
      }),
    );

export const settingsRoutes = ({ guards, registry, settings }: Needs): Router =>
  Router()
    .post(
      '/set/:instanceName',
      guards.ofInstance,
      handle(async (req) => {
        const body = validate(req.body, SETTINGS);
        const instance = registry.get(nameOf(req), 'setSettings');
        const before = await registry.settingsOf(instance);
        const saved = { msgCall: '', wavoipToken: '', ...before, ...body } as unknown as Settings;
        await settings.save(instance.id, saved);
        instance.settings = saved;
        return [201, { settings: { instanceName: instance.name, settings: body } }];
      }),
    )
    .get(
      '/find/:instanceName',
      guards.ofInstance,
      handle(async (req) => {
        const instance = registry.held.get(nameOf(req));
        return [200, instance ? ((await settings.find(instance.id)) as unknown as Json) : null];
      }),
    );
