import { badRequest, nodeError } from '../http/errors.js';
import { isGroup, jidOf, lidOf, isLid, numberOf } from '../network/jid.js';
import type { Group } from '../network/groups.js';
import { sentId } from '../utils/ids.js';
import { asObject, compact, long, type Json } from '../utils/json.js';
import { nowSeconds } from '../utils/time.js';
import type { Context } from './context.js';
import { ownNumber, type Instance } from './instance.js';
import type { Send } from './send.js';

type Needs = Pick<Context, 'network' | 'messages' | 'media' | 'groups' | 'emitter'> & {
  readonly sender: Send;
};

const MEDIA_TYPES = [
  'imageMessage',
  'documentMessage',
  'audioMessage',
  'videoMessage',
  'stickerMessage',
  'ptvMessage',
];

const extensionOf = (mimetype: string): string => mimetype.split(';')[0]?.split('/')[1] ?? 'bin';

/** What may be done to messages that are already there. */
export const createChatActions = ({ network, messages, media, groups, emitter, sender }: Needs) => {
  /** Edits and revocations are messages about messages: they reach the recipients' devices as such. */
  const tell = async (
    instance: Instance,
    key: Json,
    said: { protocol: Json; kind: 'edit' | 'revoke'; text: string },
  ) => {
    const remoteJid = String(key['remoteJid']);
    const group: Group | null = isGroup(remoteJid) ? await groups.find(remoteJid) : null;
    const id = sentId();
    const own = ownNumber(instance);
    const message = { protocolMessage: said.protocol };
    const timestamp = nowSeconds();
    await sender.relay(instance, {
      kind: said.kind,
      recipient: group ? remoteJid : numberOf(remoteJid),
      ...(group ? { members: group.members.map(({ number }) => number) } : {}),
      chat: remoteJid,
      messageId: id,
      type: 'protocolMessage',
      text: said.text,
      message,
      delivery: compact({
        id,
        from: own,
        group: group?.jid,
        pushName: `Phone ${own}`,
        message,
        type: 'protocolMessage',
        timestamp,
        addressing: isLid(remoteJid) ? 'lid' : 'pn',
      }),
    });
    return {
      key: { remoteJid, fromMe: true, id },
      message,
      messageTimestamp: String(timestamp),
      status: 'PENDING',
    };
  };

  return {
    edit: async (instance: Instance, key: Json, text: string): Promise<Json> => {
      const timestampMs = Date.now();
      const editedMessage = { extendedTextMessage: { text } };
      const protocol = { key, type: 'MESSAGE_EDIT', editedMessage, timestampMs: String(timestampMs) };
      const answer = await tell(instance, key, { protocol, kind: 'edit', text });
      void emitter.emit(instance, 'send.message.update', { key, editedMessage, timestampMs, type: 14 });
      return answer;
    },
    revoke: async (instance: Instance, body: Json): Promise<Json> => {
      const key = compact({
        remoteJid: body['remoteJid'],
        fromMe: body['fromMe'],
        id: body['id'],
        participant: body['participant'],
      });
      const answer = await tell(instance, key, {
        protocol: { key, type: 'REVOKE' },
        kind: 'revoke',
        text: '',
      });
      const row = await messages.find(instance.id, String(key['id']));
      if (row) {
        const id = String(row['id']);
        await messages.markDeleted(id);
        await messages.insertStatus({
          keyId: String(key['id']),
          remoteJid: String(key['remoteJid']),
          fromMe: true,
          status: 'DELETED',
          messageId: id,
          instanceId: instance.id,
        });
        const { messageType, source, messageTimestamp, pushName, participant, message } = row;
        void emitter.emit(instance, 'messages.delete', {
          id,
          instanceId: instance.id,
          key: { ...row.key, deleted: true },
          messageType,
          status: 'DELETED',
          source,
          messageTimestamp,
          pushName,
          participant,
          message,
        });
      }
      return answer;
    },
    /** Read receipts go to the writers' devices; the ledger notes each. */
    markRead: async (instance: Instance, keys: readonly Json[]): Promise<Json> => {
      const fail = (why: string) => nodeError(500, ['Read messages fail', why]);
      if (!instance.client)
        throw fail(`TypeError: Cannot read properties of undefined (reading 'readMessages')`);
      if (instance.client.stage !== 'open') throw fail('Error: Connection Closed');
      const own = ownNumber(instance);
      for (const key of keys.filter(({ fromMe }) => fromMe !== true)) {
        const chat = String(key['remoteJid']);
        const writer = isGroup(chat) ? String(key['participant'] ?? '') : chat;
        const recipient = numberOf(writer);
        await sender.relay(instance, { kind: 'read', recipient, chat, messageId: String(key['id']) });
        if (isGroup(chat)) continue;
        const remoteJid = isLid(chat) ? lidOf(own) : jidOf(own);
        await network.post({
          number: recipient,
          kind: 'ack',
          payload: { keyId: key['id'], remoteJid, status: 'READ' },
        });
      }
      return { message: 'Read messages', read: 'success' };
    },
    /** Shown to the partner's devices as `presence.update`. */
    sendPresence: async (instance: Instance, number: string, presence: string): Promise<void> => {
      const jid = jidOf(ownNumber(instance));
      const data = { id: jid, presences: { [jid]: { lastKnownPresence: presence } } };
      await network.post({ number, kind: 'news', payload: { event: 'presence.update', data } });
    },
    base64: async (instance: Instance, key: Json): Promise<Json> => {
      const row = await messages.find(instance.id, String(key['id']));
      if (!row) throw badRequest('Message not found');
      const type = MEDIA_TYPES.find((name) => row.message[name]);
      if (!type) throw badRequest('The message is not of the media type');
      const fields = asObject(row.message[type]);
      const data = await media.download(String(fields['directPath']));
      if (!data) throw badRequest('Error: Failed to fetch stream from https://mmg.whatsapp.net');
      const mimetype = String(fields['mimetype']);
      return compact({
        mediaType: type,
        fileName: fields['fileName'] ?? `${String(key['id'])}.${extensionOf(mimetype)}`,
        caption: fields['caption'],
        size: compact({
          fileLength: fields['fileLength'] ?? long(data.length, true),
          height: fields['height'],
          width: fields['width'],
        }),
        mimetype,
        base64: data.toString('base64'),
        buffer: null,
      });
    },
  };
};

export type ChatActions = ReturnType<typeof createChatActions>;
