import type { ConnectionState } from '../clients/evolution.decode.js';
import type { Look, SendAnswer } from '../clients/evolution.client.js';
import type { MessageReason } from './reason.js';

/** What an answer of a node means for the message. */
export type Outcome =
  | { class: 'sent'; whatsappId: string }
  | { class: 'failed'; reason: MessageReason; detail: string }
  /** Back to the head of its lane. */
  | { class: 'not_sent'; detail: string }
  | { class: 'unknown'; reason: MessageReason; detail: string };

/** Prisma's words for the reads that come before the send (recorded with the node's database away). */
const BEFORE_THE_SEND = /contact\.findMany|instance\.find(Unique|First|Many)|isOnWhatsapp\.find/;
const NO_SOCKET = /TypeError|Cannot read properties of undefined/;

/**
 * The classification table: `not_sent` only where the answer proves that nothing reached WhatsApp, `failed` only where
 * it is decisive; all else is `unknown`. `opened`: the placement has been open at some time (a 201 before that is a
 * false success, seen when a pairing code was asked for and never used). `askState` is called for the one answer whose
 * meaning depends on the connection at that moment.
 */
export async function classify(
  answer: SendAnswer,
  opened: boolean,
  askState: () => Promise<Look<ConnectionState | null>>,
): Promise<Outcome> {
  switch (answer.kind) {
    case 'not_connected':
      return { class: 'not_sent', detail: answer.cause };
    case 'lost':
      return { class: 'unknown', reason: 'answer_lost', detail: answer.cause };
    case 'accepted':
      return opened
        ? { class: 'sent', whatsappId: answer.whatsappId }
        : { class: 'not_sent', detail: 'accepted by a node on which the phone was never connected' };
    case 'refused':
      return classifyRefusal(answer.error, askState);
  }
}

async function classifyRefusal(
  { status, texts, isNotOnWhatsapp, isSchema }: Extract<SendAnswer, { kind: 'refused' }>['error'],
  askState: () => Promise<Look<ConnectionState | null>>,
): Promise<Outcome> {
  const detail = `${status} ${texts.join('; ')}`.slice(0, 500);
  if (isNotOnWhatsapp) return { class: 'failed', reason: 'not_on_whatsapp', detail };
  if (isSchema) return { class: 'failed', reason: 'refused_by_node', detail };
  if (status === 401 || status === 404) return { class: 'not_sent', detail };
  if (texts.some((text) => text.includes('Connection Closed') || BEFORE_THE_SEND.test(text))) return { class: 'not_sent', detail };
  if (texts.some((text) => NO_SOCKET.test(text))) {
    const state = await askState();
    const isElsewhere = state.kind === 'missing' || (state.kind === 'ok' && state.value !== 'open');
    if (isElsewhere) return { class: 'not_sent', detail };
  }
  return { class: 'unknown', reason: 'answer_unclear', detail };
}
