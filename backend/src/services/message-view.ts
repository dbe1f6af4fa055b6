import type { Acceptance, Message, TimelineEntry } from '../models/message.js';
import { remedyOf } from './reason.js';

/** A message as its user sees it. `messageId` elsewhere in JSON is this `id`; WhatsApp's own is `whatsappId`. */
export interface MessageView {
  id: number;
  phoneId: number;
  direction: 'in' | 'out';
  source: string;
  chat: string;
  from: string;
  to: string;
  type: string;
  message: string | null;
  status: string;
  reason: string | null;
  remedy: string | null;
  whatsappId: string | null;
  createdAt: string;
  updatedAt: string;
  expiresAt: string | null;
}
export interface MessageDetail extends MessageView {
  attempts: number;
  timeline: { status: string; reason: string | null; at: string }[];
}

export const messageView = (message: Message): MessageView => ({
  id: message.id,
  phoneId: message.phoneId,
  direction: message.direction,
  source: message.source,
  chat: message.chat,
  from: message.from,
  to: message.to,
  type: message.type,
  message: message.content,
  status: message.status,
  reason: message.reason,
  remedy: remedyOf(message.reason),
  whatsappId: message.whatsappId,
  createdAt: message.createdAt.toISOString(),
  updatedAt: message.updatedAt.toISOString(),
  expiresAt: message.expiresAt?.toISOString() ?? null,
});

/** The first answer, which a replay repeats whatever became of the message since. */
export const acceptedView = (accepted: Acceptance): MessageView => ({
  id: accepted.id,
  phoneId: accepted.phoneId,
  direction: 'out',
  source: 'api',
  chat: accepted.chat,
  from: accepted.from,
  to: accepted.to,
  type: accepted.type,
  message: accepted.content,
  status: 'queued',
  reason: null,
  remedy: null,
  whatsappId: null,
  createdAt: accepted.createdAt.toISOString(),
  updatedAt: accepted.createdAt.toISOString(),
  expiresAt: accepted.expiresAt?.toISOString() ?? null,
});

/** The order in which a message can reach its statuses; facts are learned in any order. */
const COURSE = [
  'received',
  'queued',
  'unknown',
  'cancelled',
  'expired',
  'sent',
  'failed',
  'delivered',
  'read',
  'played',
];

/** Each status a message reached, in the course of a message: it reached each no later than those after it. */
export const timelineOf = (message: Message, entries: TimelineEntry[]) => {
  const first = {
    status: message.direction === 'in' ? 'received' : 'queued',
    reason: null,
    at: message.createdAt,
  };
  const all = message.source === 'api' || entries.length === 0 ? [first, ...entries] : entries;
  const ordered = all.sort((a, b) => COURSE.indexOf(a.status) - COURSE.indexOf(b.status));
  return ordered.map(({ status, reason }, i) => {
    const at = new Date(Math.min(...ordered.slice(i).map((entry) => entry.at.getTime())));
    return { status, reason, at: at.toISOString() };
  });
};
