import { badRequest, crashed, databaseError, foreignKeyText, nodeError, NodeError } from '../http/errors.js';
import { behaviourOf } from '../network/behaviours.js';
import { isBroadcast, isGroup, isLid, numberOf } from '../network/jid.js';
import type { Envelope, Parcel } from '../network/network.js';
import { isDatabaseDown, isForeignKey, isUnreachable } from '../store/database.js';
import type { MessageRaw } from '../store/messages.js';
import { sentId } from '../utils/ids.js';
import { nowSeconds, sleep } from '../utils/time.js';
import type { Context } from './context.js';
import { ownNumber, type Client, type Instance } from './instance.js';
import type { AckWatch } from './ack-watch.js';
import type { Directory } from './directory.js';
import { contextOf, withContext, type Content, type Recipient, type SendOptions } from './outgoing.js';

type Needs = Pick<
  Context,
  'config' | 'log' | 'network' | 'mail' | 'groups' | 'messages' | 'sessions' | 'emitter'
> & {
  readonly directory: Directory;
  readonly ackWatch: AckWatch;
};

/** The errors of a client that cannot send, in the words of the recordings; null when it can. */
const refusal = (client: Client | undefined, content: Content): NodeError | null => {
  if (!client) return badRequest(`TypeError: Cannot read properties of undefined (reading 'sendMessage')`);
  if (client.stage === 'open') return null;
  if (client.stage !== 'pairing') return nodeError(content.uploads ? 500 : 400, ['Error: Connection Closed']);
  return client.creds.me ? null : badRequest(`TypeError: Cannot read properties of undefined (reading 'id')`);
};

/** Sending: network first, then the node's own row, then the echo, then the answer. What fails between is lost there. */
export const createSend = (needs: Needs) => {
  const { config, network, mail, groups, messages, sessions, emitter, directory, ackWatch, log } = needs;

  const recipientOf = async (instance: Instance, number: string): Promise<Recipient> => {
    const { jid, exists } = await directory.resolve(instance, number);
    const plain = behaviourOf('');
    if (isGroup(jid)) {
      const group = await groups.find(jid);
      if (!group) throw badRequest('[object Object]');
      return { jid, number: null, group, behaviour: plain };
    }
    if (isBroadcast(jid)) return { jid, number: null, group: null, behaviour: plain };
    if (!exists) throw badRequest({ jid, exists: false, number });
    const digits = numberOf(jid);
    const linked = behaviourOf(digits) !== plain && (await network.linked([digits])).has(digits);
    return { jid, number: digits, group: null, behaviour: linked ? plain : behaviourOf(digits) };
  };
  const rawOf = (instance: Instance, to: Recipient, content: Content, options: SendOptions): MessageRaw => {
    const contextInfo = content.bare ? undefined : contextOf(to, options);
    return {
      key: {
        remoteJid: to.jid,
        fromMe: true,
        id: sentId(),
        ...(content.keyed ? { participant: to.jid } : {}),
      },
      pushName: 'Você',
      status: 'PENDING',
      message: withContext(content, contextInfo),
      ...(contextInfo && !content.contextIn ? { contextInfo } : {}),
      messageType: content.type,
      messageTimestamp: nowSeconds(),
      instanceId: instance.id,
      source: 'web',
    };
  };

  const receipts = (to: Recipient, raw: MessageRaw, content: Content): Parcel['simulated'] => {
    const acks = to.behaviour.acks.map((status) => ({
      afterMs: status === 'READ' ? config.readMs : config.deliveredMs,
      kind: 'ack',
      payload: { keyId: raw.key.id, remoteJid: to.jid, status },
    }));
    if (!to.behaviour.echoes || (content.kind ?? 'message') !== 'message') return acks;
    const payload = { keyId: raw.key.id, from: to.number, lid: isLid(to.jid), text: `echo: ${content.text}` };
    return [...acks, { afterMs: config.readMs + config.echoMs, kind: 'reply', payload }];
  };
  const parcelOf = (instance: Instance, to: Recipient, raw: MessageRaw, content: Content): Parcel => {
    const client = instance.client!;
    const sender = ownNumber(instance);
    const { message } = raw;
    const delivery = {
      id: raw.key.id,
      from: sender,
      group: to.group?.jid,
      pushName: `Phone ${sender}`,
      message,
      type: raw.messageType,
      contextInfo: raw.contextInfo,
      timestamp: raw.messageTimestamp,
      addressing: isLid(to.jid) ? 'lid' : 'pn',
    };
    return {
      device: client.creds.deviceKey!,
      socket: client.id,
      instance: instance.name,
      kind: content.kind ?? 'message',
      sender,
      recipient: to.number ?? to.jid,
      ...(to.group ? { members: to.group.members.map(({ number }) => number) } : {}),
      chat: to.jid,
      messageId: raw.key.id,
      type: raw.messageType,
      text: content.text,
      message,
      delivery,
      companion: { ...delivery, fromMe: true, chat: to.jid },
      ack: { keyId: raw.key.id, remoteJid: to.jid },
      simulated: to.number ? receipts(to, raw, content)! : [],
    };
  };

  /** @throws what a real node answers when the network does not take it. */
  const handOver = async (parcel: Parcel): Promise<readonly Envelope[]> => {
    try {
      const { seq, mail: own } = await network.relay(parcel);
      if (seq === null) throw badRequest('Error: Connection Closed');
      return own;
    } catch (error) {
      if (error instanceof NodeError) throw error;
      if (isUnreachable(error)) throw databaseError('this.prismaRepository.contact.findMany()');
      if (isDatabaseDown(error)) throw databaseError('this.prismaRepository.message.create()');
      throw error;
    }
  };
  const store = async (raw: MessageRaw): Promise<void> => {
    try {
      await messages.insert(raw);
    } catch (error) {
      const text = isForeignKey(error)
        ? foreignKeyText('this.prismaRepository.message.create()', 'Message_instanceId_fkey')
        : isDatabaseDown(error)
          ? `\nInvalid \`this.prismaRepository.message.create()\` invocation in\n/evolution/src/api\n\nCan't reach database server`
          : String((error as Error).message);
      throw badRequest(`PrismaClientKnownRequestError: ${text}`);
    }
  };
  /** A subscription with base64 gets the file in the webhook, and the caller then in the answer too. */
  const withFile = async (instance: Instance, raw: MessageRaw, { file }: Content): Promise<MessageRaw> => {
    const row = file && (await emitter.hears(instance, 'send.message'));
    return row?.webhookBase64
      ? { ...raw, message: { ...raw.message, base64: file!.toString('base64') } }
      : raw;
  };
  const settle = async (
    instance: Instance,
    raw: MessageRaw,
    { own, content }: { own: readonly Envelope[]; content: Content },
  ): Promise<MessageRaw> => {
    await store(raw);
    const shown = await withFile(instance, raw, content);
    void emitter.emit(instance, 'send.message', shown);
    mail.schedule(own);
    return shown;
  };
  const deliver = async (
    instance: Instance,
    to: Recipient,
    raw: MessageRaw,
    content: Content,
  ): Promise<MessageRaw> => {
    const { answer } = to.behaviour;
    if (answer === 'error-unsent') throw nodeError(500, ['Error: Timed Out']);
    if (answer === 'slow') await sleep(config.slowMs);
    const stored = ackWatch.begin(raw.key.id);
    try {
      const own = await handOver(parcelOf(instance, to, raw, content));
      if (answer === 'error-sent') throw nodeError(500, ['Error: Timed Out']);
      if (answer !== 'never') {
        const acked = answer === 'after-ack' ? ackWatch.expect(raw.key.id) : undefined;
        const shown = await settle(instance, raw, { own, content });
        stored();
        await acked;
        return shown;
      }
    } finally {
      stored();
    }
    return new Promise(() => undefined);
  };
  const notePartner = (instance: Instance, { number }: Recipient): void => {
    if (!number || instance.partners.has(number)) return;
    instance.partners.add(number);
    sessions
      .writePartner(instance.id, number)
      .catch((error: unknown) => log('warn', 'keys.unwritten', { error }));
  };

  return {
    recipientOf,
    /**
     * Sends and stores one message.
     * @returns what the caller is answered, and what `send.message` reports.
     * @throws NodeError in all the ways of the recordings.
     */
    send: async (
      instance: Instance,
      to: Recipient,
      content: Content,
      options: SendOptions = {},
    ): Promise<MessageRaw> => {
      if (options.delay) await sleep(options.delay);
      if (config.sendMs > 0) await sleep(config.sendMs);
      const refused = refusal(instance.client, content);
      if (refused) throw refused;
      const raw = rawOf(instance, to, content, options);
      if (instance.client!.stage === 'pairing') {
        // Asked for a pairing code, never paired: looks sent, reaches nobody.
        return settle(instance, raw, { own: [], content });
      }
      notePartner(instance, to);
      return deliver(instance, to, raw, content);
    },
    /** Something that is no message of its own row: an edit, a revocation, a read receipt. */
    relay: (
      instance: Instance,
      parcel: Omit<Parcel, 'device' | 'socket' | 'instance' | 'sender'>,
    ): Promise<readonly Envelope[]> => {
      const { client } = instance;
      if (!client) throw crashed(`Cannot read properties of undefined (reading 'sendMessage')`);
      if (client.stage !== 'open' || !client.creds.deviceKey) throw crashed('Connection Closed');
      return handOver({
        ...parcel,
        device: client.creds.deviceKey,
        socket: client.id,
        instance: instance.name,
        sender: ownNumber(instance),
      });
    },
  };
};

export type Send = ReturnType<typeof createSend>;
