import type { EvolutionClient } from '../clients/evolution.client.js';
import type { EvolutionStore } from '../clients/evolution.store.js';
import type { Address } from '../clients/evolution.look.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Move, MoveCause, MoveStep } from '../models/move.js';
import type { Phone } from '../models/phone.js';
import type { Placement } from '../models/placement.js';
import { publicId, randomToken, sha256 } from '../utils/crypto.js';
import { openState, SETTLED } from './connection.js';
import { phoneMovedEvent } from './event-data.js';
import { setPhoneState } from './phone.js';
import type { Tuning } from './tuning.js';

export type Moving = ReturnType<typeof createMoving>;

/** Seconds until the next look: at what takes a moment, and at what cannot be reached. */
const SOON = 0.3;
const LATER = 2;
const HISTORY_ROWS = 1000;
/** A node opens in seconds what it has credentials for; without, it shows a QR for ever. */
const OPENS_WITHIN_MS = 20_000;

/** What a step found: the next one, or in how many seconds it is to be tried again. */
type Found = MoveStep | 'moved' | 'failed' | { again: number };

/** A move with the two places, as they are now. */
interface Way {
  move: Move;
  phone: Phone;
  from: Placement;
  to: Placement;
}

const addressOf = ({ nodeUrl, id }: Placement): Address => ({ nodeUrl, placementId: id });

/**
 * Takes a phone to another node with its pairing, so that nobody scans anything (contract, "A number can move to another
 * node"). Credentials are moved, never copied. Each step can be repeated, and its end is committed before the next
 * begins: whoever looks at the phone after a crash goes on there.
 */
export function createMoving(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  evolution: Pick<EvolutionClient, 'state' | 'connect' | 'restart' | 'forget' | 'session' | 'inboundUrl'>;
  store: EvolutionStore;
  tuning: Pick<Tuning, 'make'>;
  wake: Pick<Wake, 'hint'>;
  logger: Logger;
}) {
  const { tenancy, evolution, store, tuning, wake, logger } = deps;

  /** Gives the phone another place in the caller's transaction, the former one ended; null: no node can take it. */
  async function placeElsewhere(
    models: Models,
    phone: Phone,
    { except, at }: { except: number; at?: number | undefined },
  ): Promise<string | null> {
    const free = await models.nodes.listForPlacement([except]);
    const node = at === undefined ? free[0] : free.find(({ id }) => id === at);
    if (!node) return null;
    await models.placements.end(phone.id);
    const id = publicId('plc');
    const secretHash = sha256(randomToken());
    await models.placements.create({
      id,
      userId: phone.userId,
      phoneId: phone.id,
      nodeId: node.id,
      secretHash,
    });
    return id;
  }

  /** What its node is sending at this moment may still be answered. */
  const wait = async ({ phone, from }: Way): Promise<Found> => {
    if (from.isNodeLost) return 'make';
    const busy = await tenancy.inTenant(phone.userId, (models) => models.messages.isSending(phone.id));
    return busy ? { again: SOON } : 'make';
  };

  /** There under a name of its own, unconnected. A node that went meanwhile is given up for another one. */
  async function make({ move, phone, to }: Way): Promise<Found> {
    if (to.isNodeLost || to.isNodeDraining) return redirect(move, phone, to);
    const bearer = randomToken();
    await tenancy.inTenant(phone.userId, (models) => models.placements.setSecret(to.id, sha256(bearer)));
    const target = { url: evolution.inboundUrl(to.id), bearer };
    const made = await tuning.make(phone, to, target);
    if (made.kind !== 'ok') return { again: LATER };
    await tenancy.inTenant(phone.userId, (models) => models.placements.setMade(to.id, target.url));
    return 'hand_over';
  }

  const redirect = (move: Move, phone: Phone, to: Placement): Promise<Found> =>
    tenancy.inTenant(phone.userId, async (models) => {
      await models.phones.findForUpdate(phone.id);
      const next = await placeElsewhere(models, phone, { except: to.nodeId });
      if (next) await models.moves.redirect(move.id, next);
      return { again: next ? 0 : LATER };
    });

  async function handOver({ from, to }: Way): Promise<Found> {
    switch (await store.handOver(from.id, to.id)) {
      case 'moved':
        return from.isNodeLost ? 'keys' : 'release';
      case 'unmade':
        return 'make';
      case 'none':
        return 'failed';
    }
  }

  /**
   * Its former node is made to look for credentials: it finds none, drops the connection, and is an unpaired ghost from
   * then on, as the fresh ones show that it writes. Should it write its old ones once more, they are taken again.
   */
  async function release({ from }: Way): Promise<Found> {
    if (from.isNodeLost) return 'keys';
    const credentials = await store.credentials(from.id);
    if (credentials === 'paired') await store.dropSession(from.id);
    const state = await evolution.state(addressOf(from));
    const isGone = state.kind === 'missing' || (state.kind === 'ok' && state.value === null);
    if (isGone) return 'keys';
    if (state.kind !== 'ok') return { again: LATER };
    if (credentials === 'fresh' && state.value !== 'open') return 'keys';
    await evolution.restart(addressOf(from));
    return { again: SOON };
  }

  async function keys({ move, from, to }: Way): Promise<Found> {
    const moved = await store.moveKeys(from.id, to.id);
    if (moved === 'both')
      logger.error('keys on both sides of a move', { phoneId: move.phoneId, from: from.id, to: to.id });
    return 'open';
  }

  async function open({ move, phone, to }: Way): Promise<Found> {
    const state = await evolution.state(addressOf(to));
    if (state.kind === 'missing') return 'make';
    if (state.kind !== 'ok') return { again: LATER };
    if (state.value === 'close') await evolution.connect(addressOf(to), null);
    if (state.value !== 'open') {
      const isLate = Date.now() - move.stepAt.getTime() > OPENS_WITHIN_MS;
      return isLate && (await store.credentials(to.id)) !== 'paired' ? 'failed' : { again: SOON };
    }
    const session = await evolution.session(addressOf(to));
    await tenancy.inTenant(phone.userId, async (models) => {
      await models.events.lockCounter(phone.userId);
      const now = await models.phones.findForUpdate(phone.id);
      if (!now) return;
      await models.placements.setOpened(to.id);
      await setPhoneState(
        models,
        now,
        openState(now, session.kind === 'ok' ? session.value : { owner: null }, new Date()),
      );
      await models.events.append(phone.userId, [phoneMovedEvent(now)]);
    });
    return 'history';
  }

  async function history({ from, to }: Way): Promise<Found> {
    const moved = await store.moveHistory(from.id, to.id, HISTORY_ROWS);
    return moved > 0 ? { again: 0 } : 'moved';
  }

  const STEPS: Record<MoveStep, (way: Way) => Promise<Found>> = {
    wait,
    make,
    hand_over: handOver,
    release,
    keys,
    open,
    history,
  };

  /** Its credentials are gone, wherever they went: only its owner can pair it again. */
  const fail = ({ move, phone }: Way): Promise<void> =>
    tenancy.inTenant(phone.userId, async (models) => {
      await models.events.lockCounter(phone.userId);
      const now = await models.phones.findForUpdate(phone.id);
      await models.moves.end(move.id, 'failed');
      if (now) await setPhoneState(models, now, { status: 'logged_out', reason: 'pairing_lost' });
    });

  async function wayOf(move: Move): Promise<Way | null> {
    return tenancy.inTenant(move.userId, async (models) => {
      const phone = await models.phones.find(move.phoneId);
      const [from, to] = [
        await models.placements.find(move.fromPlacement),
        await models.placements.find(move.toPlacement),
      ];
      return phone && from && to ? { move, phone, from, to } : null;
    });
  }

  /** The place it is on its way to is lost as well, and the credentials with it: it goes on from there. */
  async function goOn({ move, phone, to }: Way): Promise<number> {
    await tenancy.inTenant(phone.userId, (models) => models.moves.end(move.id, 'failed'));
    return begin(phone, to, 'node_lost');
  }

  async function advance(move: Move): Promise<number | null> {
    for (;;) {
      const way = await wayOf(move);
      if (!way) return null;
      const { phone, to } = way;
      const hasIt = !['wait', 'make', 'hand_over'].includes(move.step);
      if (hasIt && to.isNodeLost) return goOn(way);
      if (SETTLED.has(phone.status)) return tell(move, 'failed');
      const found = await STEPS[move.step](way);
      if (typeof found === 'object') return found.again;
      if (found === 'failed') await fail(way);
      if (found === 'failed' || found === 'moved') return tell(move, found);
      await tenancy.inTenant(move.userId, (models) => models.moves.setStep(move.id, found));
      move = { ...move, step: found, stepAt: new Date() };
      if (found === 'history') announce(phone);
    }
  }

  async function tell(move: Move, outcome: 'moved' | 'failed'): Promise<number> {
    await tenancy.inTenant(move.userId, (models) => models.moves.end(move.id, outcome));
    const { userId, phoneId, why } = move;
    const seconds = (Date.now() - move.stepAt.getTime()) / 1000;
    logger[outcome === 'moved' ? 'info' : 'error'](`phone ${outcome === 'moved' ? 'moved' : 'not moved'}`, {
      userId,
      phoneId,
      why,
      seconds,
    });
    // What is left at its former node is cleared away.
    return 0;
  }

  function announce({ userId }: Phone): void {
    wake.hint('events', userId);
    wake.hint('delivery');
    wake.hint('lane');
  }

  /**
   * Begins to move a phone that was paired where it is. Its lane waits from now on. Seconds until the next look: also when
   * no node can take it, or the nodes' own store cannot be reached.
   */
  async function begin(phone: Phone, at: Placement, why: MoveCause): Promise<number> {
    return (await tryBegin(phone, at, why)) ? 0 : LATER;
  }

  /** Whether it began; `target` is a node, any where none is given. */
  async function tryBegin(phone: Phone, at: Placement, why: MoveCause, target?: number): Promise<boolean> {
    if (!(await store.isReady())) return false;
    const begun = await tenancy.inTenant(phone.userId, async (models) => {
      await models.events.lockCounter(phone.userId);
      const now = await models.phones.findForUpdate(phone.id);
      const current = await models.placements.findCurrent(phone.id);
      if (!now || current?.id !== at.id || (await models.moves.findOpen(phone.id))) return false;
      const to = await placeElsewhere(models, now, { except: at.nodeId, at: target });
      if (!to) return false;
      const step = why === 'node_lost' ? 'make' : 'wait';
      const { userId, id: phoneId } = now;
      await models.moves.create({ userId, phoneId, fromPlacement: at.id, toPlacement: to, why, step });
      await setPhoneState(models, now, { status: 'moving', reason: 'changing_node' });
      return true;
    });
    if (begun) announce(phone);
    return begun;
  }

  return {
    begin,
    tryBegin,

    /** As many steps of a move as can be made now. Seconds until the next look; null: none is needed. */
    advance,

    /**
     * What is left of a phone where it moved away from. A node that was frozen may still hold it when it wakes: it loses
     * it first, then the ghost is deleted, as deleting what is still paired would log the number out. That is what is
     * wanted of a phone that was removed (`current`: null). True: nothing is left.
     */
    async clear(left: Placement, current: Placement | null): Promise<boolean> {
      const address = addressOf(left);
      const state = await evolution.state(address);
      if (state.kind === 'missing') return true;
      if (state.kind !== 'ok') return false;
      if (current) {
        const isPaired = (await store.credentials(left.id)) === 'paired';
        if (isPaired) await store.dropSession(left.id);
        if (state.value === 'open' || (isPaired && state.value !== null)) {
          await evolution.restart(address);
          return false;
        }
        while ((await store.moveHistory(left.id, current.id, HISTORY_ROWS)) > 0);
      }
      // One that its node does not hold is only a row.
      if (state.value === null) await store.removeInstance(left.id);
      else await evolution.forget(address);
      return (await evolution.state(address)).kind === 'missing';
    },
  };
}
