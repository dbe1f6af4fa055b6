import { isForeignKey } from '../store/database.js';
import { NodeError, badRequest, foreignKeyText, nodeError } from '../http/errors.js';
import { sleep } from '../utils/time.js';
import { tokenId, uuid } from '../utils/ids.js';
import { asObject, compact, type Json } from '../utils/json.js';
import { EVENTS } from '../webhook/events.js';
import type { Settings } from '../store/instances.js';
import type { WebhookInput } from '../store/webhooks.js';
import type { Connection } from './connection.js';
import type { Context } from './context.js';
import { loggedOut, restarted } from './endings.js';
import { createInstance, type Instance } from './instance.js';
import { qrView } from './qr.js';

type Needs = Pick<
  Context,
  'config' | 'log' | 'network' | 'instances' | 'settings' | 'webhooks' | 'sessions' | 'emitter'
> & { readonly connection: Connection };

const SUCCESS = (message: string): Json => ({ status: 'SUCCESS', error: false, response: { message } });
/** How connect and restart report failures: with status 200. */
const FAILURE: Json = { error: true, message: '[object Object]' };

const settingsOf = (body: Json): Settings => ({
  rejectCall: body['rejectCall'] === true,
  msgCall: (body['msgCall'] as string) ?? '',
  groupsIgnore: body['groupsIgnore'] === true,
  alwaysOnline: body['alwaysOnline'] === true,
  readMessages: body['readMessages'] === true,
  readStatus: body['readStatus'] === true,
  syncFullHistory: body['syncFullHistory'] === true,
  wavoipToken: (body['wavoipToken'] as string) ?? '',
});

const webhookOf = (value: unknown): (Partial<WebhookInput> & { url?: string }) | null =>
  value === undefined || value === null ? null : asObject(value);

/** `events: []` means all; without `events` real nodes stumble, and so do we. */
export const subscription = (input: Partial<WebhookInput>): WebhookInput => {
  if (!input.enabled) return { ...input, url: input.url ?? '', enabled: false, events: [] };
  if (input.events === undefined)
    throw new TypeError(`Cannot read properties of undefined (reading 'length')`);
  return {
    ...input,
    url: input.url ?? '',
    enabled: true,
    events: input.events.length ? input.events : EVENTS,
  };
};

/** The instances in this process's memory, and the calls that make, connect and end them. */
export const createRegistry = (needs: Needs) => {
  const { config, log, network, instances, settings, webhooks, sessions, emitter, connection } = needs;
  const held = new Map<string, Instance>();

  const stateOf = (name: string): Json => {
    const state = held.get(name)?.state;
    return { instance: compact({ instanceName: name, state }) };
  };

  /** The rows go; with the row, its messages, contacts and webhook. Any node may do so to any instance. */
  const purge = async (name: string): Promise<void> => {
    await instances.cleanUp(name);
    await instances.remove(name);
  };
  const forget = (instance: Instance | undefined): void => {
    if (!instance) return;
    instance.removed = true;
    instance.client?.end(restarted);
  };
  /** Waits for the webhook receiver first, up to the end of its retries: until then the instance is still there. */
  const removeLater = async (name: string): Promise<void> => {
    const instance = held.get(name);
    try {
      if (instance) await emitter.emit(instance, 'remove.instance', null);
      await purge(name);
      // By name, as real nodes do: in a race this is another instance than the one that was to go.
      const gone = new Set([instance, held.get(name)]);
      held.delete(name);
      for (const one of gone) forget(one);
    } catch (error) {
      log('error', 'instance.unremoved', { instance: name, error });
    }
  };
  const afterLogout = async (instance: Instance): Promise<void> => {
    await emitter.emit(instance, 'logout.instance', null);
    await instances
      .cleanUp(instance.name)
      .catch((error: unknown) => log('warn', 'instance.unclean', { error }));
  };
  /** Unlinks the device if its socket is open; without one, WhatsApp never hears of it. */
  const endSession = async (instance: Instance): Promise<void> => {
    const { client } = instance;
    instance.deaf = true;
    if (client?.stage === 'open' && client.creds.deviceKey) await network.remove(client.creds.deviceKey, 401);
    await sessions.remove(instance.id);
    client?.end(loggedOut(instance.name));
  };

  const start = async (instance: Instance, body: Json): Promise<void> => {
    const webhook = webhookOf(body['webhook']);
    if (webhook) await webhooks.save(instance.id, subscription({ ...webhook, enabled: true }));
    void emitter.emit(instance, 'instance.create', { instanceName: instance.name, instanceId: instance.id });
    instance.settings = settingsOf(body);
    await settings.save(instance.id, instance.settings);
    if (body['qrcode'] === true) {
      await connection.connect(instance, { number: body['number'] as string | undefined, asked: true });
      await sleep(config.createWaitMs);
    }
  };
  const created = async (instance: Instance, body: Json): Promise<Json> => {
    const webhook = webhookOf(body['webhook']);
    return compact({
      instance: {
        instanceName: instance.name,
        instanceId: instance.id,
        integration: 'WHATSAPP-BAILEYS',
        webhookWaBusiness: null,
        accessTokenWaBusiness: '',
        status: instance.state,
      },
      hash: instance.token,
      webhook: compact({
        webhookUrl: webhook?.url,
        webhookHeaders: webhook?.headers,
        webhookByEvents: webhook?.byEvents,
        webhookBase64: webhook?.base64,
      }),
      websocket: {},
      rabbitmq: {},
      nats: {},
      sqs: {},
      settings: instance.settings,
      qrcode: body['qrcode'] === true ? await qrView(instance.qr) : undefined,
    });
  };
  /**
   * Creates an instance. Two creates of one name at once both pass the check for the name: the loser meets a foreign
   * key, and its clean-up, which goes by name, removes the winner's instance.
   */
  const create = async (body: Json): Promise<Json> => {
    const name = body['instanceName'] as string;
    const instance = createInstance({
      id: uuid(),
      name,
      token: (body['token'] as string) || tokenId(),
      number: (body['number'] as string) || null,
      ownerJid: null,
    });
    try {
      const { id, token, number } = instance;
      await instances.insert({ id, name, token: token!, number, clientName: config.name });
      held.set(name, instance);
      await start(instance, body);
      return await created(instance, body);
    } catch (error) {
      void removeLater(name);
      if (error instanceof NodeError) throw error;
      if (isForeignKey(error))
        throw badRequest(foreignKeyText('this.prismaRepository.setting.upsert()', 'Setting_instanceId_fkey'));
      throw badRequest((error as Error).message);
    }
  };

  const connect = async (name: string, number?: string): Promise<Json> => {
    const instance = held.get(name);
    if (!instance) return FAILURE;
    if (instance.state === 'open') return stateOf(name);
    if (instance.state === 'close') {
      await connection.connect(instance, { number, asked: true });
      await sleep(config.connectWaitMs);
    }
    return qrView(instance.qr);
  };
  const restart = async (name: string): Promise<Json> => {
    const instance = held.get(name);
    if (!instance || instance.state === 'close') return FAILURE;
    const answer = instance.state === 'open' ? stateOf(name) : await qrView(instance.qr);
    instance.client?.end(restarted);
    return answer;
  };
  const logout = async (name: string): Promise<Json> => {
    const instance = held.get(name);
    if (instance?.state === 'close') throw badRequest(`The "${name}" instance is not connected`);
    if (instance)
      void endSession(instance).catch((error: unknown) => log('error', 'logout.failed', { error }));
    return SUCCESS('Instance logged out');
  };
  const remove = async (name: string): Promise<Json> => {
    const instance = held.get(name);
    if (instance && instance.state !== 'close') await logout(name);
    if (instance) {
      void emitter.emit(instance, 'instance.delete', { instanceName: name, instanceId: instance.id });
    }
    void removeLater(name);
    return SUCCESS('Instance deleted');
  };

  /** Takes up what this node's client name says is its own, and connects what was connected. */
  const load = async (): Promise<void> => {
    const rows = await instances.listOf(config.name);
    const creds = await Promise.all(rows.map(({ id }) => sessions.load(id)));
    rows.forEach((row, i) => {
      const instance = createInstance(row);
      held.set(row.name, instance);
      if (row.connectionStatus !== 'close' || creds[i]?.registered) {
        void connection.connect(instance, { asked: false });
      }
    });
    log('info', 'instances.loaded', { count: rows.length });
  };

  return {
    held,
    create,
    connect,
    restart,
    logout,
    remove,
    load,
    stateOf,
    afterLogout,
    /** The instance, or what a real node throws when it reads a property of nothing. */
    get: (name: string, reading: string): Instance => {
      const instance = held.get(name);
      if (!instance) throw nodeError(500, `Cannot read properties of undefined (reading '${reading}')`);
      return instance;
    },
    exists: async (name: string): Promise<boolean> =>
      held.has(name) || (await instances.findByName(name)) !== null,
    /** @returns null when the row is gone. */
    settingsOf: async (instance: Instance): Promise<Settings | null> => {
      instance.settings ??= await settings.find(instance.id);
      return instance.settings;
    },
  };
};

export type Registry = ReturnType<typeof createRegistry>;
