import type { ConnectionState } from '../clients/evolution.fact.js';
import type { NodeError } from '../clients/evolution.error.js';
import type { Look, SendAnswer } from '../clients/evolution.client.js';
import type { MessageReason } from './reason.js';

/** What an answer of a node means for the message. */
export type Outcome =
  | { class: 'sent'; whatsappId: string; key: Record<string, unknown> | null }
  | { class: 'failed'; reason: MessageReason; detail: string }
  /** Back to the head of its lane. */
  | { class: 'not_sent'; detail: string }
  | { class: 'unknown'; reason: MessageReason; detail: string };

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
        ? { class: 'sent', whatsappId: answer.whatsappId, key: answer.key }
        : { class: 'not_sent', detail: 'accepted by a node on which the phone was never connected' };
    case 'refused':
      return classifyRefusal(answer.error, askState);
  }
}

async function classifyRefusal(
  error: NodeError,
  askState: () => Promise<Look<ConnectionState | null>>,
): Promise<Outcome> {
  const { status } = error;
  const detail = `${status} ${error.texts.join('; ')}`.slice(0, 500);
  const decisive = decisiveReason(error);
  if (decisive) return { class: 'failed', reason: decisive, detail };
  if (status === 401 || status === 404 || error.isBeforeSend) return { class: 'not_sent', detail };
  if (error.isNoSocket && isNotOpen(await askState())) return { class: 'not_sent', detail };
  return { class: 'unknown', reason: 'answer_unclear', detail };
}

/** Why it will never be sent as it is; null when the answer does not say so. */
function decisiveReason(error: NodeError): MessageReason | null {
  if (error.isNotOnWhatsapp) return 'not_on_whatsapp';
  if (error.isUnsupported) return 'type_not_supported';
  if (error.isMediaRefused) return 'media_refused';
  return error.isSchema || error.isContentRefused ? 'refused_by_node' : null;
}

const isNotOpen = (state: Look<ConnectionState | null>): boolean =>
  state.kind === 'missing' || (state.kind === 'ok' && state.value !== 'open');
