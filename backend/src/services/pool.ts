import type { Wake } from '../clients/wake.js';
import type { Tenancy } from '../models/index.js';
import type { NodeFault } from '../models/node.js';
import { Problem } from '../utils/problem.js';
import { balance, type Shift } from './balance.js';
import { SETTLED } from './connection.js';
import type { Moving } from './moving.js';
import type { NodeKeys } from './node-keys.js';

export type Pool = ReturnType<typeof createPool>;

export interface NodeView {
  id: number;
  name: string;
  url: string;
  status: 'unknown' | 'up' | 'down';
  since: string;
  latencyMs: number | null;
  detail: string | null;
  /** It gives no answer: its phones are moved, and it takes none until it is back and holds none of them. */
  isLost: boolean;
  isDraining: boolean;
  /** How many phones live there. */
  phones: number;
  /** Of how many phones that live elsewhere by now it may still hold something. */
  leftovers: number;
  origin: 'settings' | 'admin';
  weight: number;
  capacity: number | null;
  hasOwnKey: boolean;
  version: string | null;
  held: number | null;
  faults: { code: NodeFault; remedy: string }[];
}

export interface NewNode {
  name: string;
  url: string;
  apiKey?: string | null;
  weight: number;
  capacity: number | null;
}
export type NodeUpdate = Partial<NewNode>;

export interface Rebalanced {
  moves: { phoneId: number; from: number; to: number }[];
  /** How many more have to move for every node to have its share. */
  remaining: number;
}

const REMEDIES: Record<NodeFault, string> = {
  same_client_name:
    'Another node has the same DATABASE_CONNECTION_CLIENT_NAME: both load the same numbers, and replace each other for ever. Give each its own. It takes no phones meanwhile.',
  unknown_version: 'Only Evolution API 2.3 was tried with this gateway. Pin its image to 2.3.7.',
};

/** Phones of a node that are looked at beyond those wanted, as some cannot be moved. */
const PASSED_OVER = 200;

/** What an admin sees of the nodes, and does with them. */
export function createPool(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  moving: Pick<Moving, 'tryBegin'>;
  keys: Pick<NodeKeys, 'seal'>;
  /** Whether phones can be moved at the moment. */
  canMove: () => Promise<boolean>;
  wake: Pick<Wake, 'hint'>;
}) {
  const { tenancy, moving, keys, canMove, wake } = deps;
  const { nodes, checks } = tenancy.shared;

  const list = async (): Promise<NodeView[]> =>
    (await nodes.listWithLoads()).map((node) => ({
      id: node.id,
      name: node.name,
      url: node.url,
      status: node.status,
      since: node.statusSince.toISOString(),
      latencyMs: node.latencyMs,
      detail: node.detail,
      isLost: node.isLost,
      isDraining: node.isDraining,
      phones: Number(node.phones),
      leftovers: Number(node.leftovers),
      origin: node.origin,
      weight: node.weight,
      capacity: node.capacity,
      hasOwnKey: node.hasOwnKey,
      version: node.version,
      held: node.held,
      faults: node.faults.map((code) => ({ code, remedy: REMEDIES[code] })),
    }));

  async function find(id: number): Promise<NodeView> {
    const node = (await list()).find((one) => one.id === id);
    if (!node) throw new Problem('not_found', `There is no node ${id}`);
    return node;
  }

  async function setDraining(id: number, isDraining: boolean): Promise<NodeView> {
    await nodes.setDraining(id, isDraining);
    await checks.askAllOfNode(id);
    wake.hint('check');
    return find(id);
  }

  async function refuseNoMove(): Promise<void> {
    if (!(await canMove()))
      throw new Problem(
        'conflict',
        'Phones cannot move: what the nodes share cannot be reached or is not known',
      );
  }

  const sealed = (key: string | null | undefined): string | null => (key ? keys.seal(key) : null);
  const taken = (name: string) =>
    new Problem('conflict', `There is another node called ${name}`, {
      errors: [{ pointer: '/name', code: 'taken', detail: `There is another node called ${name}` }],
    });

  /** Begins to move a phone away; false: it cannot be moved now, or its target takes none. */
  async function beginMove(
    { phoneId, userId }: { phoneId: number; userId: number },
    why: 'rebalance',
    to: number,
  ): Promise<boolean> {
    const { phone, placement } = await tenancy.inTenant(userId, async (models) => ({
      phone: await models.phones.find(phoneId),
      placement: await models.placements.findCurrent(phoneId),
    }));
    if (!phone || !placement?.openedAt || SETTLED.has(phone.status) || phone.status === 'moving')
      return false;
    if (!(await moving.tryBegin(phone, placement, why, to))) return false;
    await tenancy.inTenant(userId, (models) => models.checks.ask(userId, phoneId));
    return true;
  }

  /** Moves so many phones from one node to another; those that cannot be moved now are passed over. */
  async function shift({ from, to, count }: Shift): Promise<Rebalanced['moves']> {
    const moves: Rebalanced['moves'] = [];
    for (const one of await nodes.listPhones(from, PASSED_OVER + count)) {
      if (moves.length === count) break;
      if (await beginMove(one, 'rebalance', to)) moves.push({ phoneId: one.phoneId, from, to });
    }
    return moves;
  }

  return {
    list,

    /** It takes phones from its first answer on, without a restart. Problem: conflict (the name). */
    async add(node: NewNode): Promise<NodeView> {
      const id = await nodes.create({ ...node, apiKey: sealed(node.apiKey) });
      if (id === null) throw taken(node.name);
      return find(id);
    },

    /** Problems: not_found, conflict (the name; what the settings rule). */
    async update(id: number, { apiKey, ...to }: NodeUpdate): Promise<NodeView> {
      const node = await find(id);
      if (node.origin === 'settings' && (to.name !== undefined || to.url !== undefined))
        throw new Problem(
          'conflict',
          `${node.name} is listed in EVOLUTION_NODES, which rules its name and URL`,
        );
      const isDone = await nodes.update(id, {
        ...to,
        ...(apiKey === undefined ? {} : { apiKey: sealed(apiKey) }),
      });
      if (!isDone) throw taken(to.name ?? node.name);
      return find(id);
    },

    /** Problems: not_found, conflict (phones live there, or it may still hold some; it is listed in the settings). */
    async remove(id: number): Promise<void> {
      const node = await find(id);
      if (node.origin === 'settings')
        throw new Problem('conflict', `${node.name} is listed in EVOLUTION_NODES: take it out there`);
      if (node.phones > 0 || node.leftovers > 0)
        throw new Problem(
          'conflict',
          `${node.phones} phones live on ${node.name}, and it may still hold ${node.leftovers} others: drain it first`,
        );
      await nodes.remove(id);
    },

    /**
     * Moves phones to where there are too few of them, by weight: at most `limit`, and none that need not. Problem: conflict
     * (phones cannot move).
     */
    async rebalance(limit: number): Promise<Rebalanced> {
      await refuseNoMove();
      const loads = (await list()).filter((node) => node.status === 'up' && !node.isLost && !node.isDraining);
      const shifts = balance(loads);
      const moves: Rebalanced['moves'] = [];
      for (const one of shifts) {
        const count = Math.min(one.count, limit - moves.length);
        if (count > 0) moves.push(...(await shift({ ...one, count })));
      }
      wake.hint('check');
      const wanted = shifts.reduce((sum, { count }) => sum + count, 0);
      return { moves, remaining: wanted - moves.length };
    },

    /**
     * Moves all its phones to other nodes, and places none there until it is resumed. Problems: not_found, conflict (no
     * other node can take them, or phones cannot move).
     */
    async drain(id: number): Promise<NodeView> {
      const node = await find(id);
      const others = (await list()).filter(
        (one) => one.id !== id && one.status === 'up' && !one.isLost && !one.isDraining,
      );
      if (others.length === 0)
        throw new Problem('conflict', `No other node can take the phones of ${node.name}`);
      await refuseNoMove();
      return setDraining(id, true);
    },

    /** It takes phones again. Problem: not_found. */
    async resume(id: number): Promise<NodeView> {
      await find(id);
      return setDraining(id, false);
    },

    /**
     * Moves one phone, to that node or to the least loaded one. Returns whose it is. Problems: not_found (phone), unprocessable (node),
     * conflict (it lives there, was never paired or is logged out, moves already; the node takes none).
     */
    async move(phoneId: number, nodeId: number | null): Promise<number> {
      const target = nodeId === null ? null : (await list()).find(({ id }) => id === nodeId);
      if (target === undefined) throw new Problem('unprocessable', `There is no node ${nodeId}`);
      const userId = await checks.ownerOf(phoneId);
      const { phone, placement, open } =
        userId === null
          ? { phone: null, placement: null, open: null }
          : await tenancy.inTenant(userId, async (models) => ({
              phone: await models.phones.find(phoneId),
              placement: await models.placements.findCurrent(phoneId),
              open: await models.moves.findOpen(phoneId),
            }));
      if (!phone) throw new Problem('not_found', `There is no phone ${phoneId}`);
      if (open) throw new Problem('conflict', `Phone ${phoneId} is moving already`);
      if (!placement?.openedAt || SETTLED.has(phone.status))
        throw new Problem(
          'conflict',
          `Phone ${phoneId} is ${phone.status}: only one that is paired can be moved`,
        );
      if (placement.nodeId === nodeId)
        throw new Problem('conflict', `Phone ${phoneId} lives on ${target?.name}`);
      await refuseNoMove();
      if (!(await moving.tryBegin(phone, placement, 'asked', nodeId ?? undefined)))
        throw new Problem('conflict', `${target?.name ?? 'No other node'} takes no phones at the moment`);
      await tenancy.inTenant(phone.userId, (models) => models.checks.ask(phone.userId, phoneId));
      wake.hint('check');
      return phone.userId;
    },
  };
}
