import type { Address, EvolutionClient, Look } from '../clients/evolution.client.js';
import type { ConnectionState } from '../clients/evolution.fact.js';
import type { EvolutionStore } from '../clients/evolution.store.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Check } from '../models/check.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Phone, PhoneState } from '../models/phone.js';
import type { Placement } from '../models/placement.js';
import { publicId, randomToken, sha256, type Sealer } from '../utils/crypto.js';
import { closedState, openState, SETTLED } from './connection.js';
import { setPhoneState } from './phone.js';
import { storeQr } from './qr.js';
import { createDirecting } from './directing.js';
import { createLeaving } from './leaving.js';
import type { Moving } from './moving.js';
import type { Tuning } from './tuning.js';

export type Pairing = ReturnType<typeof createPairing>;

/** Seconds until the next look, by what was found. */
const AGAIN = { pairing: 5, lost: 3, fault: 2, mostFault: 15 };

/** Of whom its node does not tell who is paired. */
const UNKNOWN = { owner: null };

/** Seconds. Short, and renewed while a look lasts: one whose process died is soon repeated, and never two at once. */
const LEASE = 10;

/**
 * Brings a phone's status nearer to the truth, one look at a time: places it, makes it on its node, fetches a QR,
 * notices that it is open, lost or unreachable, and probes after a doubtful send. Each step is committed before the
 * next, and each can be repeated: a crash anywhere is followed by another look.
 */
export function createPairing(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'shared'>;
  evolution: Pick<
    EvolutionClient,
    'subscribe' | 'subscription' | 'state' | 'connect' | 'session' | 'probe' | 'forget' | 'inboundUrl'
  >;
  moving: Moving;
  store: Pick<EvolutionStore, 'isReady' | 'idOf' | 'dropKeys'>;
  tuning: Pick<Tuning, 'make' | 'isOwed' | 'tell'>;
  wake: Pick<Wake, 'hint'>;
  sealer: Sealer;
  logger: Logger;
}) {
  const { tenancy, evolution, moving, store, tuning, wake, sealer, logger } = deps;
  const directing = createDirecting({ tenancy, evolution, wake, logger });
  const leaving = createLeaving({ tenancy, evolution, moving, store, wake, logger });

  const change = async (
    phone: Phone,
    state: PhoneState,
    also: (models: Models) => Promise<void> = async () => undefined,
  ) => {
    let changed = false;
    await tenancy.inTenant(phone.userId, async (models) => {
      await models.events.lockCounter(phone.userId);
      const current = await models.phones.findForUpdate(phone.id);
      // A fact that came while we asked the node is newer than what we learned.
      changed = current !== null && current.statusSince.getTime() === phone.statusSince.getTime();
      if (!current || !changed) return;
      await setPhoneState(models, current, state);
      await also(models);
    });
    if (changed) announce(phone.userId);
    return changed;
  };

  const announce = (userId: number) => {
    wake.hint('events', userId);
    wake.hint('delivery');
    wake.hint('lane');
  };

  /** Null: no node can take it at the moment. */
  const place = (phone: Phone): Promise<Placement | null> =>
    tenancy.inTenant(phone.userId, async (models) => {
      await models.phones.findForUpdate(phone.id);
      const current = await models.placements.findCurrent(phone.id);
      if (current) return current;
      const [node] = await models.nodes.listForPlacement();
      if (!node) return null;
      await models.placements.create({
        id: publicId('plc'),
        userId: phone.userId,
        phoneId: phone.id,
        nodeId: node.id,
        secretHash: sha256(randomToken()),
      });
      return models.placements.findCurrent(phone.id);
    });

  /** The bearer is stored before the node is told of it, so that no post of the node comes unrecognised. */
  async function makeOnNode(phone: Phone, placement: Placement): Promise<number | null> {
    const bearer = randomToken();
    await tenancy.inTenant(phone.userId, (models) =>
      models.placements.setSecret(placement.id, sha256(bearer)),
    );
    const to = { url: evolution.inboundUrl(placement.id), bearer };
    const made = await tuning.make(phone, placement, to);
    if (made.kind === 'proxy_refused') {
      await change(phone, { status: 'new', reason: 'proxy_refused' });
      return AGAIN.mostFault;
    }
    if (made.kind !== 'ok') return fault(phone, made);
    await tenancy.inTenant(phone.userId, (models) => models.placements.setMade(placement.id, to.url));
    return fetchQr(phone, placement);
  }

  async function fetchQr(phone: Phone, placement: Placement): Promise<number | null> {
    // As it is wished now: the one that ends a placement to pair by another method has set that before.
    const wished = await tenancy.inTenant(phone.userId, (models) => models.phones.find(phone.id));
    const number = wished?.pairingMethod === 'pairingCode' ? phone.phoneNumber : null;
    const result = await evolution.connect(placementAddress(placement), number);
    if (result.kind !== 'ok') return fault(phone, result);
    const codes = result.value;
    await change(phone, { status: 'pairing', reason: 'scan_qr' }, async (models) => {
      if (codes) await storeQr({ models, phone, sealer }, codes);
    });
    return AGAIN.pairing;
  }

  async function fault(phone: Phone, look: Exclude<Look<unknown>, { kind: 'ok' }>): Promise<number> {
    if (look.kind === 'unreachable' && phone.status !== 'node_down') {
      await change(phone, { status: 'node_down', reason: 'node_unreachable' });
    }
    return AGAIN.fault;
  }

  async function opened(phone: Phone, placement: Placement): Promise<number | null> {
    const known = phone.isConnected && placement.openedAt !== null;
    if (!known) {
      const session = await evolution.session(placementAddress(placement));
      const state = openState(phone, session.kind === 'ok' ? session.value : UNKNOWN, new Date());
      await change(phone, state, (models) => models.placements.setOpened(placement.id));
      if (state.status === 'mismatch') return null;
    }
    const directed = await directing.direct(placement);
    if (directed.kind !== 'ok') return AGAIN.fault;
    const inDoubt = await tenancy.inTenant(phone.userId, (models) =>
      models.lanes.isInDoubt(phone.userId, phone.id),
    );
    if (!inDoubt) return null;
    const probe = await evolution.probe(placementAddress(placement));
    if (probe.kind !== 'ok') return AGAIN.fault;
    await tenancy.inTenant(phone.userId, (models) => models.lanes.clearDoubt(phone.userId, phone.id));
    wake.hint('lane');
    return null;
  }

  /** How the session ended, asked of the node, as its post of that may be lost; null: not since it was last open. */
  async function ended(phone: Phone, placement: Placement): Promise<PhoneState | null> {
    const session = await evolution.session(placementAddress(placement));
    const end = session.kind === 'ok' ? session.value.ended : null;
    if (!end || end.at < phone.connectionAt) return null;
    const state = closedState({ statusReason: end.code, at: end.at }, placement.openedAt !== null);
    return state && { ...state, factAt: end.at };
  }

  async function notOpen(
    phone: Phone,
    placement: Placement,
    state: ConnectionState | null,
  ): Promise<number | null> {
    if (state === null) return fault(phone, { kind: 'error', status: 200, cause: 'held by another node' });
    if (placement.openedAt === null) return phone.status === 'qr_expired' ? null : fetchQr(phone, placement);
    // It was paired: the node reconnects by itself. Connecting from here would open a second socket (contract, "Calls").
    const lost: PhoneState = {
      status: state === 'connecting' ? 'reconnecting' : 'disconnected',
      reason: 'connection_lost',
    };
    const next = (state === 'close' ? await ended(phone, placement) : null) ?? lost;
    if (phone.status !== next.status) await change(phone, next);
    return SETTLED.has(next.status) ? null : AGAIN.lost;
  }

  /** Its node is gone, or is to be empty. What was never paired is placed anew; what is settled needs no node. */
  async function elsewhere(phone: Phone, placement: Placement): Promise<number | null> {
    if (placement.openedAt && !SETTLED.has(phone.status))
      return moving.begin(phone, placement, placement.isNodeLost ? 'node_lost' : 'draining');
    await tenancy.inTenant(phone.userId, (models) => models.placements.end(phone.id));
    return 0;
  }

  async function look(phone: Phone): Promise<number | null> {
    const { placement, move } = await tenancy.inTenant(phone.userId, async (models) => ({
      placement: await models.placements.findCurrent(phone.id),
      move: await models.moves.findOpen(phone.id),
    }));
    if (move) return moving.advance(move);
    if (placement && (isLost(placement) || placement.isNodeDraining)) return elsewhere(phone, placement);
    if (placement?.madeAt && directing.isMisdirected(placement)) {
      const directed = await directing.direct(placement);
      if (SETTLED.has(phone.status))
        return directed.kind === 'ok' || directed.kind === 'missing' ? null : AGAIN.mostFault;
    }
    if (SETTLED.has(phone.status)) return null;
    if (!placement) {
      const placed = await place(phone);
      // Somebody else was quicker: its bearer is known to its node, and no other may take its place.
      if (placed?.madeAt) return 0;
      if (placed) return makeOnNode(phone, placed);
      await change(phone, { status: 'new', reason: 'no_node' });
      return AGAIN.mostFault;
    }
    if (!placement.madeAt) return makeOnNode(phone, placement);
    const state = await evolution.state(placementAddress(placement));
    if (state.kind === 'missing') {
      // The node lost it: it is made again, and paired again.
      await tenancy.inTenant(phone.userId, (models) => models.placements.setLost(placement.id));
      return AGAIN.fault;
    }
    if (state.kind !== 'ok') return fault(phone, state);
    if (state.value !== null && tuning.isOwed(phone)) {
      const isOpen = state.value === 'open';
      const told = await tuning.tell(phone, placement, { isOpen });
      if (told.kind === 'unreachable') return fault(phone, told);
    }
    return state.value === 'open' ? opened(phone, placement) : notOpen(phone, placement, state.value);
  }

  /** Of a phone that is removed, and of where one has lived, what is left is cleared away. */
  async function lookOrLeave({ userId, phoneId }: Check): Promise<number | null> {
    const { phone, left } = await tenancy.inTenant(userId, async ({ phones, placements }) => ({
      phone: await phones.find(phoneId),
      left: await placements.listLeft(phoneId),
    }));
    if (!phone) await leaving.endMessages(userId, phoneId);
    const cleared = await leaving.clear(left, phone);
    const looked = phone ? await look(phone) : null;
    return cleared === null || looked === null ? (looked ?? cleared) : Math.min(looked, cleared);
  }

  return {
    askMisdirected: directing.askMisdirected,

    claim: (limit: number): Promise<Check[]> => tenancy.shared.checks.claim(limit, LEASE),

    /** One look at one phone. Never rejects: a look that failed is repeated, later and later. */
    async check(check: Check): Promise<void> {
      let again: number | null = AGAIN.fault;
      const renewing = setInterval(
        () => void tenancy.shared.checks.renew(check, LEASE).catch(() => undefined),
        (LEASE * 1000) / 3,
      );
      try {
        again = await lookOrLeave(check);
        if (again !== null && again < AGAIN.pairing)
          again = Math.min(again * 1.5 ** Math.min(check.tries, 6), AGAIN.mostFault);
      } catch (error) {
        logger.error('check failed', { userId: check.userId, phoneId: check.phoneId, error });
      } finally {
        clearInterval(renewing);
      }
      await tenancy.shared.checks.finish(check, again).catch((error: unknown) => {
        logger.warn('check not finished', { phoneId: check.phoneId, error });
      });
    },
  };
}

/** One that answers again has its phones looked at where they are. */
const isLost = (placement: Placement): boolean => placement.isNodeLost && placement.nodeStatus === 'down';

const placementAddress = (placement: Placement): Address => ({
  nodeUrl: placement.nodeUrl,
  placementId: placement.id,
});
