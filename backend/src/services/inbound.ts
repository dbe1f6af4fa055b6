import { decodeInbound, withoutSecrets, type Fact } from '../clients/evolution.decode.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Models, Tenancy } from '../models/index.js';
import type { NewEvent } from '../models/event.js';
import type { Message } from '../models/message.js';
import type { Phone, PhoneState } from '../models/phone.js';
import type { Placement } from '../models/placement.js';
import { safeEqual, sha256 } from '../utils/crypto.js';
import { isSameNumber } from '../utils/number.js';
import { Problem } from '../utils/problem.js';
import { messageEvent, participantsEvent, reactionEvent } from './event-data.js';
import { setPhoneState, storeQr, type Sealer } from './phone.js';
import { applyFact } from './settle.js';

export type InboundService = ReturnType<typeof createInbound>;

type FactOf<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>;
interface Scene {
  models: Models;
  phone: Phone;
  placement: Placement;
}

/** Why WhatsApp closed a connection for good (contract, "Webhooks it sends"). Other codes: the node reconnects. */
const CLOSED: Record<number, PhoneState> = {
  401: { status: 'logged_out', reason: 'logged_out_on_phone' },
  402: { status: 'banned', reason: 'refused_by_whatsapp' },
  403: { status: 'banned', reason: 'refused_by_whatsapp' },
  406: { status: 'banned', reason: 'refused_by_whatsapp' },
  440: { status: 'conflict', reason: 'replaced' },
};

/** Takes what nodes post: each fact has its effect once, however often, late or shuffled it arrives. */
export function createInbound(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  wake: Pick<Wake, 'hint'>;
  sealer: Sealer;
  logger: Logger;
}) {
  const { tenancy, wake, sealer, logger } = deps;

  /** What makes a fact the same fact. Null: its effect is idempotent by itself. */
  const keyOf = (fact: Fact): string | null => {
    switch (fact.kind) {
      case 'message':
        return `message:${fact.whatsappId}:${fact.fromMe}`;
      case 'reaction':
        return `reaction:${fact.whatsappId}`;
      case 'participants':
        return `participants:${fact.group}:${fact.action}:${fact.at.getTime()}:${sha256(fact.participants.join()).toString('hex').slice(0, 16)}`;
      default:
        return null;
    }
  };

  async function message({ models, phone, placement }: Scene, fact: FactOf<'message'>): Promise<NewEvent[]> {
    const isOut = fact.fromMe;
    const stored = await models.messages.record({
      userId: phone.userId,
      phoneId: phone.id,
      placementId: placement.id,
      direction: isOut ? 'out' : 'in',
      source: isOut ? 'phone' : 'contact',
      whatsappId: fact.whatsappId,
      chat: fact.chat,
      from: isOut ? phone.phoneNumber : (fact.from ?? fact.chat),
      to: isOut || fact.chat.startsWith('group:') ? fact.chat : phone.phoneNumber,
      type: fact.type,
      content: fact.content,
      payload: fact.payload,
      status: isOut ? 'sent' : 'received',
      sequence: await models.phones.nextSequence(phone.id),
      at: fact.at,
    });
    return stored ? [messageEvent(stored, isOut ? null : fact.senderName)] : [];
  }

  async function ack({ models, phone }: Scene, fact: FactOf<'ack'>): Promise<NewEvent[]> {
    const found = await models.messages.findByWhatsappId(phone.id, fact.whatsappId);
    if (found) return found.direction === 'out' ? (await applyFact(models, found, fact)).events : [];
    // It came before the node's own answer told us the id: it counts when that comes.
    await models.messages.parkAck({ ...fact, userId: phone.userId, phoneId: phone.id });
    return [];
  }

  /**
   * Our own send, seen by the node. Its answer may be on its way, or lost: by id where known, else the one send in
   * doubt with the same chat, type and words. With two candidates, neither.
   */
  async function echo({ models, phone }: Scene, fact: FactOf<'echo'>): Promise<NewEvent[]> {
    const known = await models.messages.findByWhatsappId(phone.id, fact.whatsappId);
    const match = known ?? only(await models.messages.listInDoubt(phone.id, fact.chat), fact);
    if (!match || match.direction !== 'out') return [];
    return (await applyFact(models, match, { status: 'sent', at: fact.at, whatsappId: fact.whatsappId })).events;
  }

  async function reaction({ models, phone }: Scene, fact: FactOf<'reaction'>): Promise<NewEvent[]> {
    const target = await models.messages.findByWhatsappId(phone.id, fact.target);
    const from = fact.fromMe ? phone.phoneNumber : (fact.from ?? fact.chat);
    return [reactionEvent({ ...fact, phoneId: phone.id, messageId: target?.id ?? null, whatsappId: fact.target, from })];
  }

  async function connection({ models, phone, placement }: Scene, fact: FactOf<'connection'>): Promise<NewEvent[]> {
    if (placement.endedAt || fact.at < phone.connectionAt) return [];
    if (fact.state === 'open') await models.placements.setOpened(placement.id);
    const state = connectionState(phone, placement, fact);
    if (state) await setPhoneState(models, phone, { ...state, factAt: fact.at });
    // Whatever was said, the node is asked: one lost or late post must not leave a phone in the wrong status.
    await models.checks.ask(phone.userId, phone.id, fact.state === 'open' ? 0 : 1);
    return [];
  }

  async function qr({ models, phone, placement }: Scene, fact: FactOf<'qr'>): Promise<NewEvent[]> {
    if (placement.endedAt || phone.isConnected || fact.at < phone.connectionAt) return [];
    const pairing = await setPhoneState(models, phone, { status: 'pairing', reason: 'scan_qr' });
    await storeQr(models, pairing, fact.code, sealer);
    return [];
  }

  async function effect(scene: Scene, fact: Fact): Promise<NewEvent[]> {
    const key = keyOf(fact);
    if (key !== null && !(await scene.models.inbound.take(scene.phone.userId, scene.phone.id, key))) return [];
    switch (fact.kind) {
      case 'message':
        return message(scene, fact);
      case 'echo':
        return echo(scene, fact);
      case 'ack':
        return ack(scene, fact);
      case 'reaction':
        return reaction(scene, fact);
      case 'participants':
        return [participantsEvent({ ...fact, phoneId: scene.phone.id })];
      case 'connection':
        return connection(scene, fact);
      case 'qr':
        return qr(scene, fact);
      case 'qr_limit':
        return connection(scene, { kind: 'connection', state: 'refused', statusReason: null, owner: null, at: fact.at });
      case 'ignored':
        return [];
    }
  }

  return {
    /**
     * One post of a node, in one transaction. Problems: unauthenticated (wrong secret or placement: final for the
     * node), unavailable (it tries again). What is not understood is quarantined, and taken.
     */
    async ingest(placementId: string, bearer: string | null, body: unknown): Promise<void> {
      const credential = await tenancy.shared.credentials.findByPlacement(placementId);
      const isRight = credential?.secretHash && bearer !== null && safeEqual(sha256(bearer), credential.secretHash);
      if (!credential || !isRight) throw new Problem('unauthenticated');
      const { userId } = credential;
      const decoded = decodeInbound(body);
      if (decoded.ok && decoded.facts.every((fact) => fact.kind === 'ignored')) return;

      let appended = 0;
      await tenancy.inTenant(userId, async (models) => {
        await models.events.lockCounter(userId);
        const placement = await models.placements.find(placementId);
        const phone = placement && (await models.phones.findForUpdate(placement.phoneId));
        if (!placement || !phone) throw new Problem('unauthenticated');
        if (!decoded.ok) {
          await models.inbound.quarantine({ userId, phoneId: phone.id, placementId, why: decoded.why, body: withoutSecrets(body) });
          logger.warn('inbound quarantined', { userId, phoneId: phone.id, why: decoded.why });
          return;
        }
        const events: NewEvent[] = [];
        for (const fact of decoded.facts) events.push(...(await effect({ models, phone, placement }, fact)));
        if (events.length > 0) await models.events.append(userId, events);
        appended = events.length;
      });
      wake.hint('events', userId);
      if (appended > 0) wake.hint('delivery');
      if (decoded.ok && decoded.facts.some((fact) => fact.kind === 'connection')) {
        wake.hint('delivery');
        wake.hint('check');
        wake.hint('lane');
      }
      logger.debug('inbound', { userId, placementId, kinds: decoded.ok ? decoded.facts.map((f) => f.kind) : [], appended });
    },
  };
}

const only = (candidates: Message[], fact: FactOf<'echo'>): Message | null => {
  const matches = candidates.filter((m) => m.type === fact.type && m.content === fact.content);
  return matches.length === 1 ? matches[0]! : null;
};

/** What a connection fact makes of a phone's status; null: nothing by itself. */
function connectionState(phone: Phone, placement: Placement, fact: FactOf<'connection'>): PhoneState | null {
  const wasOpen = placement.openedAt !== null;
  switch (fact.state) {
    case 'open': {
      const session = { ...(fact.owner ? { number: fact.owner } : {}), connectedAt: fact.at.toISOString() };
      const isOther = fact.owner?.startsWith('+') && !isSameNumber(fact.owner, phone.phoneNumber);
      return isOther ? { status: 'mismatch', reason: 'other_number', session } : { status: 'connected', reason: null, session };
    }
    case 'connecting':
      return wasOpen ? { status: 'reconnecting', reason: 'connection_lost' } : null;
    case 'refused':
      return wasOpen ? null : { status: 'qr_expired', reason: 'qr_limit' };
    case 'close': {
      const final = fact.statusReason === null ? undefined : CLOSED[fact.statusReason];
      if (final) return { ...final, session: { endedAt: fact.at.toISOString(), endedBy: fact.statusReason } };
      return wasOpen ? { status: 'disconnected', reason: 'connection_lost' } : null;
    }
  }
}
