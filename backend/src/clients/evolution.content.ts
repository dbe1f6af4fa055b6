/** What messages say beside their text: the same names in requests, in rows, in views and in events. */

export interface Location {
  latitude: number;
  longitude: number;
  name?: string;
  address?: string;
}
export interface ContactCard {
  name: string;
  /** E.164 with +. */
  phoneNumber: string;
  organization?: string;
  email?: string;
  url?: string;
}
export interface Poll {
  name: string;
  options: string[];
  selectableCount: number;
}
export interface List {
  title: string;
  description?: string;
  buttonText: string;
  footer?: string;
  sections: { title?: string; rows: { id: string; title: string; description?: string }[] }[];
}
export interface Button {
  type: 'reply' | 'url' | 'call' | 'copy';
  text: string;
  id?: string;
  url?: string;
  phoneNumber?: string;
  code?: string;
}
export interface Buttons {
  title: string;
  description?: string;
  footer?: string;
  items: Button[];
}
export interface Presence {
  state: 'typing' | 'recording';
  durationMs: number;
}
export interface StatusPost {
  type: 'text' | 'image' | 'video' | 'audio';
  /** E.164 with +; absent: all contacts. */
  recipients?: string[];
  backgroundColor?: string;
  font?: number;
}

/** What a message says, as a request has it and as a view shows it: one name for one thing, both ways. */
export interface Contents {
  linkPreview?: boolean;
  mentions?: string[];
  mentionAll?: boolean;
  quotedMessageId?: number;
  location?: Location;
  contacts?: ContactCard[];
  poll?: Poll;
  list?: List;
  buttons?: Buttons;
  reaction?: { messageId: number; emoji: string };
  statusPost?: StatusPost;
  presence?: Presence;
  fileName?: string;
  mimetype?: string;
}
/** A message that is quoted or reacted to, as a node needs to know it. */
export interface Target {
  chat: string;
  whatsappId: string;
  fromMe: boolean;
  /** WhatsApp's own name of it, where it does not follow from the above. */
  key: Record<string, unknown> | null;
  words: string | null;
}

/** Everything of a message that is not its text: kept beside it, read by the send and by the view. */
export type SendPayload = Contents & { target?: Target };
