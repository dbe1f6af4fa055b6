import type { SaidMedia } from './evolution.said.js';

/** What nodes tell us, in our words. */

export type ConnectionState = 'open' | 'connecting' | 'close';

export type AckStatus = 'sent' | 'delivered' | 'read' | 'played' | 'error';

/** What a message says, and who says it where. */
export interface Said {
  whatsappId: string;
  chat: string;
  from: string | null;
  /** Of who said it, where WhatsApp gave one. */
  lid: string | null;
  /** WhatsApp's own name of the message, where it does not follow from chat and id. */
  key: Record<string, unknown> | null;
  senderName: string | null;
  type: string;
  content: string | null;
  payload: Record<string, unknown> | null;
  media: SaidMedia | null;
  /** WhatsApp's id of the message that this one answers. */
  quoted: string | null;
  at: Date;
}

export interface Member {
  address: string;
  role: 'member' | 'admin' | 'owner';
}

/** Address: the number where WhatsApp gives one, else the LID. What was not told is null. */
export interface Person {
  address: string;
  lid: string | null;
  name: string | null;
  picture: string | null;
  at: Date;
}

/** What pairs a phone: the text of a QR, and a code to type where that was asked for. */
export interface QrCodes {
  code: string;
  pairingCode: string | null;
}

/** One fact a node told us. Addresses are E.164 with +, `group:<id>` or `lid:<id>`; `null` is the phone itself. */
export type Fact =
  | ({ kind: 'message'; fromMe: boolean } & Said)
  | ({ kind: 'echo' } & Said)
  | { kind: 'ack'; whatsappId: string; status: AckStatus; at: Date }
  | ({ kind: 'reaction'; fromMe: boolean; target: string; emoji: string } & Said)
  | {
      kind: 'edited';
      whatsappId: string;
      chat: string | null;
      fromMe: boolean;
      content: string | null;
      at: Date;
    }
  | { kind: 'deleted'; whatsappId: string; chat: string | null; fromMe: boolean; at: Date }
  | {
      kind: 'participants';
      group: string;
      action: string;
      author: string | null;
      participants: string[];
      at: Date;
    }
  | {
      kind: 'connection';
      state: ConnectionState | 'refused';
      statusReason: number | null;
      owner: string | null;
      at: Date;
    }
  | {
      kind: 'group';
      group: string;
      /** null: not told. */
      subject: string | null;
      description: string | null;
      owner: string | null;
      /** All of them; null: not told. */
      members: Member[] | null;
      at: Date;
    }
  /** Somebody by the name, the picture or the two addresses they have. */
  | ({ kind: 'person' } & Person)
  | ({ kind: 'qr'; at: Date } & QrCodes)
  | { kind: 'qr_limit'; at: Date }
  /** Understood, and of no consequence here. */
  | { kind: 'ignored' };

export type Decoded = { ok: true; facts: Fact[] } | { ok: false; why: string };
