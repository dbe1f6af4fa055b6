import type { Wake } from '../clients/wake.js';
import type { Tenancy } from '../models/index.js';
import { Problem } from '../utils/problem.js';
import { SETTLED } from './connection.js';
import type { Moving } from './moving.js';

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
}

/** What an admin sees of the nodes, and does with them. */
export function createPool(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  moving: Pick<Moving, 'tryBegin'>;
  /** Whether phones can be moved at the moment. */
  canMove: () => Promise<boolean>;
  wake: Pick<Wake, 'hint'>;
}) {
  const { tenancy, moving, canMove, wake } = deps;
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

  return {
    list,

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
     * Moves one phone, to that node or to the least loaded one. Problems: not_found (phone), unprocessable (node),
     * conflict (it lives there, was never paired or is logged out, moves already; the node takes none).
     */
    async move(phoneId: number, nodeId: number | null): Promise<void> {
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
    },
  };
}
