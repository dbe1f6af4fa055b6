import { jidOf, lidOf, pictureOf } from '../network/jid.js';
import type { Envelope } from '../network/network.js';
import type { MessageRaw } from '../store/messages.js';
import { phoneId } from '../utils/ids.js';
import { asObject, compact, isObject, type Json } from '../utils/json.js';
import { createLru } from '../utils/lru.js';
import { nowSeconds } from '../utils/time.js';
import type { AckWatch } from './ack-watch.js';
import type { Context } from './context.js';
import { ownNumber, type Instance } from './instance.js';

type Needs = Pick<
  Context,
  'config' | 'log' | 'network' | 'messages' | 'contacts' | 'sessions' | 'media' | 'emitter' | 'settings'
> & {
  readonly ackWatch: AckWatch;
};

/** By number or by hidden address; `-only`: without the other one beside it. */
export type Addressing = 'pn' | 'pn-only' | 'lid' | 'lid-only';

/** A message on the wire, as `relay` and the control endpoint post it. */
export interface Delivery {
  readonly id: string;
  /** Digits of the sender. */
  readonly from: string;
  readonly group?: string;
  readonly pushName: string;
  readonly message: Json;
  readonly type: string;
  readonly contextInfo?: Json | null;
  readonly timestamp: number;
  readonly addressing?: Addressing;
  /** Typed on the owner's phone, or sent by another of its devices, into `chat`. */
  readonly fromMe?: boolean;
  readonly chat?: string;
  readonly source?: string;
}

/** Which phone or client made a message, told by its id as real nodes tell it. */
const sourceOf = (id: string): string =>
  /^3A.{18}$/.test(id)
    ? 'ios'
    : /^3E.{20}$/.test(id)
      ? 'web'
      : /^(.{21}|.{32})$/.test(id)
        ? 'android'
        : 'unknown';

/** Types whose contents carry no context: the field is missing rather than null. */
const BARE = new Set(['conversation', 'reactionMessage', 'protocolMessage']);

const usesLid = ({ addressing }: Delivery): boolean => addressing?.startsWith('lid') ?? false;

const keyOf = (d: Delivery): MessageRaw['key'] => {
  const base = { fromMe: d.fromMe ?? false, id: d.id };
  const addressingMode = usesLid(d) ? 'lid' : 'pn';
  const [address, other] = usesLid(d) ? [lidOf(d.from), jidOf(d.from)] : [jidOf(d.from), lidOf(d.from)];
  if (d.group) {
    const participantAlt = usesLid(d) ? other : undefined;
    return compact({
      remoteJid: d.group,
      ...base,
      participant: address,
      participantAlt,
      addressingMode,
    }) as MessageRaw['key'];
  }
  const remoteJid = d.fromMe ? (d.chat ?? address) : address;
  const remoteJidAlt = d.fromMe || d.addressing?.endsWith('-only') ? undefined : other;
  return compact({ remoteJid, remoteJidAlt, ...base, participant: '', addressingMode }) as MessageRaw['key'];
};

const rawOf = (instance: Instance, d: Delivery): MessageRaw => {
  const context = d.contextInfo ?? (BARE.has(d.type) ? undefined : null);
  return {
    key: keyOf(d),
    pushName: d.pushName,
    status: d.fromMe ? 'SERVER_ACK' : 'DELIVERY_ACK',
    message: d.message,
    ...(context === undefined ? {} : { contextInfo: context }),
    messageType: d.type,
    messageTimestamp: d.timestamp,
    instanceId: instance.id,
    source: d.source ?? sourceOf(d.id),
  };
};

/** What a node does with the envelopes of one of its instances. */
export const createReceive = (needs: Needs) => {
  const { config, log, network, messages, contacts, sessions, media, emitter, settings, ackWatch } = needs;
  /** Real nodes remember for a while which messages and acks they have seen. */
  const seen = createLru<string, true>(50_000);
  const readable = new WeakSet<object>();

  const ack = async (instance: Instance, payload: Json): Promise<void> => {
    const { keyId, remoteJid, status } = payload as { keyId: string; remoteJid: string; status: string };
    const mark = `${instance.id} ${keyId} ${status}`;
    if (seen.get(mark)) return;
    await ackWatch.stored(keyId);
    const messageId = await messages.findId(instance.id, keyId);
    if (!messageId) return;
    const update = { keyId, remoteJid, fromMe: true, status, instanceId: instance.id, messageId };
    const posted = emitter.emit(instance, 'messages.update', update);
    void posted.then(() => ackWatch.note(keyId));
    await messages.insertStatus(update);
    seen.set(mark, true);
  };

  /** Without its own keys in Redis a device is connected, but reads nothing: the message is dropped with a warning. */
  const canRead = async (instance: Instance): Promise<boolean> => {
    const { client } = instance;
    if (!client?.creds.deviceKey) return false;
    if (readable.has(client)) return true;
    const has = await sessions.hasKeys(instance.id, client.creds.deviceKey);
    if (has) readable.add(client);
    else log('warn', 'message.undecipherable', { instance: instance.name });
    return has;
  };
  /** Partners of direct chats are known to the phone already; groups are met here first. */
  const noteContact = async (instance: Instance, raw: MessageRaw): Promise<void> => {
    const { remoteJid } = raw.key;
    const isGroup = remoteJid.endsWith('@g.us');
    const profilePicUrl = pictureOf(remoteJid);
    const entry = { remoteJid, instanceId: instance.id };
    if (!isGroup)
      void emitter.emit(instance, 'contacts.update', [{ remoteJid, profilePicUrl, instanceId: instance.id }]);
    if (raw.messageType === 'reactionMessage') return;
    void emitter.emit(instance, 'chats.update', [entry]);
    const pushName = raw.key.fromMe ? '' : raw.pushName;
    const before = instance.seen.get(remoteJid);
    if (before === pushName) return;
    instance.seen.set(remoteJid, pushName);
    if (before === undefined) await contacts.saveChat({ ...entry, name: null });
    const known = await contacts.save({ ...entry, pushName: pushName || null, profilePicUrl });
    const contact = { remoteJid, pushName, profilePicUrl, instanceId: instance.id };
    void emitter.emit(instance, isGroup && !known ? 'contacts.upsert' : 'contacts.update', contact);
  };
  /** The file itself, in the webhook only, when its subscription asks for base64. */
  const withFile = async (raw: MessageRaw): Promise<MessageRaw> => {
    const path = asObject(raw.message[raw.messageType])['directPath'];
    const file = typeof path === 'string' ? await media.download(path) : null;
    return file ? { ...raw, message: { ...raw.message, base64: file.toString('base64') } } : raw;
  };
  const protocol = async (instance: Instance, d: Delivery): Promise<void> => {
    const body = asObject(d.message['protocolMessage']);
    const target = asObject(body['key']);
    const key = { remoteJid: keyOf(d).remoteJid, fromMe: d.fromMe ?? false, id: String(target['id']) };
    const isEdit = body['type'] === 'MESSAGE_EDIT';
    const news = isEdit
      ? { type: 'MESSAGE_EDIT', editedMessage: body['editedMessage'], timestampMs: String(Date.now()) }
      : { type: 'REVOKE' };
    const messageId = await messages.findId(instance.id, key.id);
    if (messageId) {
      const status = {
        keyId: key.id,
        remoteJid: key.remoteJid,
        fromMe: key.fromMe,
        instanceId: instance.id,
        messageId,
      };
      await messages.insertStatus({ ...status, status: 'EDITED' });
      if (!isEdit) await messages.insertStatus({ ...status, status: 'DELETED', participant: '' });
    }
    void emitter.emit(instance, 'messages.edited', { key, ...news });
    if (!isEdit) void emitter.emit(instance, 'messages.delete', { ...keyOf(d), id: key.id });
  };
  const confirm = async (instance: Instance, d: Delivery, raw: MessageRaw): Promise<void> => {
    if (d.fromMe || d.group) return;
    const own = ownNumber(instance);
    const payload = { keyId: d.id, remoteJid: usesLid(d) ? lidOf(own) : jidOf(own) };
    const receipt = (status: string, afterMs: number) =>
      network.post({ number: d.from, afterMs, kind: 'ack', payload: { ...payload, status } });
    await receipt('DELIVERY_ACK', config.deliveredMs);
    if (instance.settings?.readMessages && raw.messageType !== 'protocolMessage')
      await receipt('READ', config.readMs);
  };
  const message = async (instance: Instance, d: Delivery): Promise<void> => {
    const raw = rawOf(instance, d);
    instance.settings ??= await settings.find(instance.id);
    await confirm(instance, d, raw);
    const mark = `${instance.id} ${raw.key.remoteJid} ${d.id} ${d.fromMe ?? false}`;
    if (instance.deaf || seen.get(mark)) return;
    if (!(await canRead(instance))) return;
    if (d.group && instance.settings?.groupsIgnore) return;
    if (d.type === 'protocolMessage') return protocol(instance, d);
    await noteContact(instance, raw);
    await messages.insert(raw);
    seen.set(mark, true);
    void emitter.emit(instance, 'messages.upsert', (row: { webhookBase64: boolean }) =>
      row.webhookBase64 ? withFile(raw) : raw,
    );
  };

  /** The recipient that answers: the answer is a message of its own, which the network takes only now. */
  const reply = async (instance: Instance, payload: Json): Promise<void> => {
    const from = String(payload['from']);
    const delivery: Delivery = {
      id: phoneId(String(payload['keyId'])),
      from,
      pushName: `Contact ${from.slice(-4)}`,
      message: { conversation: payload['text'] },
      type: 'conversation',
      timestamp: nowSeconds(),
      addressing: payload['lid'] === true ? 'lid' : 'pn',
    };
    await network.relay({
      device: null,
      kind: 'message',
      sender: from,
      recipient: ownNumber(instance),
      chat: jidOf(from),
      messageId: delivery.id,
      type: delivery.type,
      text: String(payload['text']),
      message: delivery.message,
      delivery: { ...delivery },
    });
  };
  /** News of groups, presence, calls and history: events with their data ready; `{me}` stands for the instance's id. */
  const news = async (instance: Instance, payload: Json): Promise<void> => {
    const fill = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(fill)
        : isObject(value)
          ? Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fill(entry)]))
          : value === '{instanceId}'
            ? instance.id
            : value;
    void emitter.emit(instance, String(payload['event']), fill(payload['data']));
  };

  return async (instance: Instance, { kind, payload }: Envelope): Promise<void> => {
    if (kind === 'ack') return ack(instance, payload);
    if (kind === 'message') return message(instance, payload as unknown as Delivery);
    if (kind === 'reply') return reply(instance, payload);
    return news(instance, payload);
  };
};

export type Receive = ReturnType<typeof createReceive>;
