import http from 'node:http';
import https from 'node:https';
import axios, { type AxiosResponse } from 'axios';
import { recipientOf } from './evolution.address.js';
import { chatCalls } from './evolution.chat.js';
import { contactCalls } from './evolution.contact.js';
import { groupCalls } from './evolution.group.js';
import { historyCalls } from './evolution.history.js';
import { mediaCalls } from './evolution.media.js';
import { connectionOf, qrOf, sentIdOf, sentKeyOf } from './evolution.decode.js';
import type { ConnectionState, QrCodes } from './evolution.fact.js';
import { nodeErrorOf, type NodeError } from './evolution.error.js';
import type { Address, Look } from './evolution.look.js';
import { sendCall, type Sending } from './evolution.send.js';
import { settingsBody, tuningCalls, type PhoneSettings } from './evolution.tuning.js';
import { nodeCalls } from './evolution.node.js';
import { object, text } from './evolution.value.js';

export type { Address, Look } from './evolution.look.js';
export type { NodePhone } from './evolution.node.js';

/** What became of one send, in our words; services/answer.ts says what it means. */
export type SendAnswer =
  /** `key`: what of WhatsApp's own name for it does not follow from chat and id. */
  | { kind: 'accepted'; whatsappId: string; key: Record<string, unknown> | null }
  | { kind: 'refused'; error: NodeError }
  /** Nothing left: refused, unresolved, or no connection before the time was over. */
  | { kind: 'not_connected'; cause: string }
  /** The connection was up, so the node may have read it; then it broke, or the time was over. */
  | { kind: 'lost'; cause: string };

export interface NodeHealth {
  status: 'up' | 'down';
  /** No HTTP answer, whatever its status: nobody is there, or frozen. */
  isSilent: boolean;
  latencyMs: number;
  detail: string | null;
}

export interface Session {
  /** The number that is really paired, as E.164, where the node knows it. */
  owner: string | null;
  /** As the account calls itself. */
  name: string | null;
  /** How it last ended for good (statusReason), at the node's clock; kept when it is opened again. */
  ended: { code: number; at: Date } | null;
}

export interface Subscription {
  url: string;
  bearer: string;
}

/** `timeout` in milliseconds; absent: that of every call. */
interface NodeCall {
  method: 'get' | 'post' | 'delete';
  path: string;
  params?: Record<string, unknown>;
  body?: Record<string, unknown>;
  timeout?: number;
}

/** A node of 2.4 that was never activated at its licence server (contract, first lines). */
const isUnlicensed = (body: unknown): boolean => JSON.stringify(body ?? '').includes('LICENSE_REQUIRED');

/** `GET /webhook/find` (recorded: webhook_find.json): a row, or null where none was ever set. */
function subscriptionOf(body: unknown): Partial<Subscription> {
  const row = object(body);
  const url = row['enabled'] === true ? text(row['url']) : null;
  const bearer = /^Bearer (.+)$/.exec(text(object(row['headers'])['authorization']) ?? '')?.[1];
  return { ...(url ? { url } : {}), ...(bearer ? { bearer } : {}) };
}

/** `GET /instance/fetchInstances` (recorded: "after device removal"): a list of one row. */
function sessionOf(body: unknown): Session {
  const row = object(Array.isArray(body) ? body[0] : null);
  const jid = text(row['ownerJid']);
  const code = row['disconnectionReasonCode'];
  const at = new Date(text(row['disconnectionAt']) ?? NaN);
  return {
    owner: jid && `+${jid.replace(/[:@].*$/, '')}`,
    name: text(row['profileName']),
    ended: typeof code === 'number' && !Number.isNaN(at.getTime()) ? { code, at } : null,
  };
}

export type EvolutionClient = ReturnType<typeof evolutionClient>;

/**
 * Everything the gateway reads from a phone. An empty list would mean all of them, base64 QR pictures included; and
 * CONTACTS_UPDATE comes twice with every message, to say what the message says too.
 */
const INBOUND_EVENTS = [
  'CONNECTION_UPDATE',
  'QRCODE_UPDATED',
  'MESSAGES_UPSERT',
  'MESSAGES_UPDATE',
  'MESSAGES_EDITED',
  'MESSAGES_DELETE',
  'SEND_MESSAGE',
  'SEND_MESSAGE_UPDATE',
  'CONTACTS_UPSERT',
  'GROUPS_UPSERT',
  'GROUP_PARTICIPANTS_UPDATE',
  'STATUS_INSTANCE',
];

const causeOf = (error: unknown): string => {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? 'unknown';
};

/**
 * Speaks to Evolution API 2.3 nodes. Nothing is retried here: what a failure means is decided by the services.
 * Each call goes to the node that holds the phone; times in seconds.
 */
export function evolutionClient(options: {
  /** The key of the node at an origin. */
  keyOf: (origin: string) => Promise<string>;
  timeout: number;
  inboundUrl: string;
  /** Of `/metrics`, which has credentials of its own; without a user they are not asked for. */
  metrics: { username: string; password: string };
}) {
  const agents = {
    httpAgent: new http.Agent({ keepAlive: true }),
    httpsAgent: new https.Agent({ keepAlive: true }),
  };
  const api = axios.create({
    validateStatus: () => true,
    proxy: false,
    maxRedirects: 0,
    maxContentLength: 64 * 1024 * 1024,
    timeout: options.timeout * 1000,
    ...agents,
  });

  api.interceptors.request.use(async (config) => {
    config.headers.set('apikey', await options.keyOf(new URL(config.url!).origin));
    return config;
  });

  const look = async <T>(call: Promise<AxiosResponse>, read: (body: unknown) => T): Promise<Look<T>> => {
    try {
      const { status, data } = await call;
      if (status === 404) return { kind: 'missing' };
      // connect and restart report failures as 200 {error: true} (contract, "Calls").
      if (status >= 400 || (data as { error?: unknown } | null)?.error === true) {
        return { kind: 'error', status, cause: nodeErrorOf(status, data).texts.join('; ').slice(0, 300) };
      }
      return { kind: 'ok', value: read(data) };
    } catch (error) {
      return { kind: 'unreachable', cause: causeOf(error) };
    }
  };
  const at = ({ nodeUrl, placementId }: Address, path: string) =>
    `${nodeUrl}${path}/${encodeURIComponent(placementId)}`;
  const call = ({ body, path, ...request }: NodeCall, address: Address) =>
    api.request({ ...request, url: at(address, path), data: body });
  const subscription = (to: Subscription, more: readonly string[] = []) => ({
    enabled: true,
    url: to.url,
    byEvents: false,
    base64: false,
    headers: { authorization: `Bearer ${to.bearer}` },
    events: [...INBOUND_EVENTS, ...more],
  });

  return {
    /** One send; `timeout` in seconds bounds the whole call, connecting included. */
    async send(address: Address, sending: Sending, timeout: number): Promise<SendAnswer> {
      const { path, body } = sendCall(sending);
      const trip = connectionWatch(address.nodeUrl);
      try {
        const { status, data } = await api.post(at(address, `/message/${path}`), body, {
          ...trip.agents,
          timeout: 0,
          signal: AbortSignal.timeout(Math.ceil(timeout * 1000)),
        });
        const whatsappId = status < 300 ? sentIdOf(data) : null;
        if (whatsappId) return { kind: 'accepted', whatsappId, key: sentKeyOf(data, sending.chat) };
        return { kind: 'refused', error: nodeErrorOf(status, data) };
      } catch (error) {
        return { kind: trip.connected() ? 'lost' : 'not_connected', cause: causeOf(error) };
      } finally {
        trip.close();
      }
    },

    ...mediaCalls(api, at),

    ...historyCalls({ look, call: (address, path, body) => api.post(at(address, path), body) }),

    ...chatCalls({ look, call }),
    ...contactCalls({ look, call }),
    ...groupCalls({ look, call }),
    ...nodeCalls({ look, get: (url, more) => api.get(url, more), metrics: options.metrics }),
    ...tuningCalls({
      look,
      get: (path, address) => api.get(at(address, path)),
      post: (path, body, address) => api.post(at(address, path), body),
    }),

    /** Makes the phone on its node, unconnected, posting to our inbound address. `exists`: it is there already. */
    async create(
      address: Address,
      phone: { phoneNumber: string; settings: PhoneSettings },
      to: Subscription,
    ): Promise<Look<'made' | 'exists'>> {
      const call = api.post(`${address.nodeUrl}/instance/create`, {
        instanceName: address.placementId,
        integration: 'WHATSAPP-BAILEYS',
        qrcode: false,
        number: recipientOf(phone.phoneNumber),
        ...settingsBody(phone.settings),
        // The name of the event, which setting a webhook later refuses (recorded: GROUPS_UPDATE.json).
        webhook: subscription(to, ['GROUPS_UPDATE']),
      });
      const result = await look<'made' | 'exists'>(call, () => 'made');
      return result.kind === 'error' && result.status === 403 ? { kind: 'ok', value: 'exists' } : result;
    },

    subscribe: (address: Address, to: Subscription) =>
      look(api.post(at(address, '/webhook/set'), { webhook: subscription(to) }), () => true),

    /** Where the node posts to, and what it presents there; neither where it posts nowhere. */
    subscription: (address: Address): Promise<Look<Partial<Subscription>>> =>
      look(api.get(at(address, '/webhook/find')), subscriptionOf),

    /** null: the node answers, but does not hold it. */
    state: (address: Address): Promise<Look<ConnectionState | null>> =>
      look(api.get(at(address, '/instance/connectionState')), connectionOf),

    /**
     * What pairs the phone now, or null when there is nothing. A code to type comes only where the number was given as
     * the node began. Never for a phone that was paired: it would open a second socket.
     */
    connect: (address: Address, number: string | null): Promise<Look<QrCodes | null>> =>
      look(
        api.get(at(address, '/instance/connect'), {
          params: number === null ? {} : { number: recipientOf(number) },
        }),
        (body) => qrOf(object(body)),
      ),

    /** Opens the connection anew, with the credentials that are there. */
    restart: (address: Address): Promise<Look<true>> =>
      look(api.post(at(address, '/instance/restart')), () => true),

    /** Logs the number out and forgets it. A node may say so and keep it (contract, "Calls"): look whether it is gone. */
    forget: (address: Address): Promise<Look<true>> =>
      look(api.delete(at(address, '/instance/delete')), () => true),

    /** What the node's row says of the session; it may be told of nowhere else when a post of the node was lost. */
    session: (address: Address): Promise<Look<Session>> =>
      look(
        api.get(`${address.nodeUrl}/instance/fetchInstances`, {
          params: { instanceName: address.placementId },
        }),
        sessionOf,
      ),

    /** Reads something that needs the node's database, and changes nothing. */
    probe: (address: Address): Promise<Look<true>> =>
      look(api.post(at(address, '/chat/findMessages'), { where: {}, page: 1, offset: 1 }), () => true),

    /** A name that does not exist: 404 when well, 500 when its database is away, and cheap (contract, "Calls"). */
    async health(nodeUrl: string): Promise<NodeHealth> {
      const start = performance.now();
      const took = () => Math.round(performance.now() - start);
      try {
        const { status, data } = await api.get(`${nodeUrl}/instance/connectionState/health-probe`, {
          timeout: Math.min(options.timeout, 5) * 1000,
        });
        return {
          status: status === 404 ? 'up' : 'down',
          isSilent: false,
          latencyMs: took(),
          detail: status === 404 ? null : isUnlicensed(data) ? 'LICENSE_REQUIRED' : `answered ${status}`,
        };
      } catch (error) {
        return { status: 'down', isSilent: true, latencyMs: took(), detail: causeOf(error) };
      }
    },

    inboundUrl: (placementId: string) => `${options.inboundUrl}/inbound/${encodeURIComponent(placementId)}`,

    close() {
      agents.httpAgent.destroy();
      agents.httpsAgent.destroy();
    },
  };
}

/**
 * A connection of its own for one send, watched: whether it ever came up decides between "nothing left" and "in
 * doubt". A kept-alive connection that the node closes at the same moment could not be told from a lost answer.
 */
function connectionWatch(nodeUrl: string) {
  const module = nodeUrl.startsWith('https:') ? https : http;
  const agent = new module.Agent({ keepAlive: false });
  let up = false;
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (...args: Parameters<typeof create>) => {
    const socket = create(...args);
    socket?.once('connect', () => {
      up = true;
    });
    return socket;
  };
  return {
    agents: { httpAgent: agent, httpsAgent: agent },
    connected: () => up,
    close: () => agent.destroy(),
  };
}
