import type { EvolutionClient, NodeHealth } from '../clients/evolution.client.js';
import type { Logger } from '../config/logger.js';
import type { Wake } from '../clients/wake.js';
import type { Tenancy } from '../models/index.js';
import type { Node } from '../models/node.js';

export interface PartHealth {
  status: 'up' | 'down' | 'unknown';
  latencyMs: number | null;
  detail?: string | null;
}
export interface HealthView {
  status: 'ok' | 'degraded' | 'down';
  service: { status: 'up'; uptimeSeconds: number; version: string };
  database: PartHealth;
  /** Null where there is none. Down as well when it is too far behind to be read from. */
  replica: PartHealth | null;
  redis: PartHealth;
  nodes: (PartHealth & { name: string; since: string | null })[];
  pool: PartHealth | null;
}

export type Health = ReturnType<typeof createHealth>;

const DATABASE_TIMEOUT_MS = 3000;
const DETAILS_EVERY_MS = 600_000;

/** How the gateway and what it stands on are doing. Nodes are probed in rounds; a request reads the last round. */
export function createHealth(deps: {
  tenancy: Pick<Tenancy, 'shared' | 'ping'>;
  pingReplica: (() => Promise<unknown>) | null;
  pingRedis: () => Promise<unknown>;
  evolution: Pick<EvolutionClient, 'health' | 'about' | 'heldCount'>;
  /** Whether phones can be moved at the moment. */
  canMove: () => Promise<boolean>;
  wake: Pick<Wake, 'hint'>;
  /** Seconds: between two rounds; after how many of silence a node's phones are moved. */
  settings: { nodeCheck: number; failoverAfter: number };
  logger: Logger;
  poolUrl: string;
  version: string;
}) {
  const { tenancy, evolution, wake, settings, logger } = deps;
  // A look that comes later than this says nothing of the time before.
  const gap = Math.max(3 * settings.nodeCheck, 15);

  async function timed(work: () => Promise<unknown>): Promise<PartHealth> {
    const start = performance.now();
    const limit = new Promise((_resolve, reject) =>
      setTimeout(() => reject(new Error('no answer in time')), DATABASE_TIMEOUT_MS).unref(),
    );
    try {
      await Promise.race([work(), limit]);
      return { status: 'up', latencyMs: Math.round(performance.now() - start) };
    } catch {
      return { status: 'down', latencyMs: Math.round(performance.now() - start) };
    }
  }

  const part = ({ status, latencyMs }: NodeHealth): PartHealth => ({ status, latencyMs });

  const nodes = async (): Promise<HealthView['nodes']> =>
    (await tenancy.shared.nodes.list().catch(() => [])).map((node) => ({
      name: node.name,
      status: node.status,
      latencyMs: node.latencyMs,
      detail: node.detail,
      since: node.statusSince.toISOString(),
    }));

  async function askAll(nodeId: number): Promise<void> {
    await tenancy.shared.checks.askAllOfNode(nodeId);
    wake.hint('check');
  }

  /**
   * Nodes that have been silent for long have their phones moved. When their shared database is away every node answers
   * 500, which is no silence, and moving could not succeed (contract, "When to move").
   */
  async function giveUp(): Promise<void> {
    const silent = await tenancy.shared.nodes.listToLose(settings.failoverAfter);
    if (silent.length === 0 || !(await deps.canMove())) return;
    for (const { id, name, silentSince } of silent) {
      await tenancy.shared.nodes.setLost(id, true);
      logger.error('node lost: its phones are moved', { node: name, silentSince });
      await askAll(id);
    }
  }

  /** A lost node that is back takes phones again once it holds none of those that moved away. */
  async function takeBack(lost: readonly Node[]): Promise<void> {
    for (const { id, name } of lost) {
      if ((await tenancy.shared.nodes.find(id))?.status !== 'up') continue;
      if ((await tenancy.shared.nodes.countLeftovers(id)) > 0) await askAll(id);
      else {
        await tenancy.shared.nodes.setLost(id, false);
        logger.info('node taken back', { node: name });
      }
    }
  }

  /** What a node says of itself, once in a while and when it was added, changed or back. */
  async function learn(node: Node, isBack: boolean): Promise<void> {
    const age = node.detailsAt ? Date.now() - node.detailsAt.getTime() : Infinity;
    if (!isBack && age < DETAILS_EVERY_MS) return;
    const about = await evolution.about(node.url);
    if (about.kind !== 'ok') return;
    const held = await evolution.heldCount(node.url);
    await tenancy.shared.nodes.setDetails(node.id, { ...about.value, held });
  }

  return {
    async view(): Promise<HealthView> {
      const [database, replica, redis, all, pool] = await Promise.all([
        timed(tenancy.ping),
        deps.pingReplica && timed(deps.pingReplica),
        timed(deps.pingRedis),
        nodes(),
        deps.poolUrl ? evolution.health(deps.poolUrl).then(part) : null,
      ]);
      const isWhole = [redis, ...(replica ? [replica] : []), ...all].every(({ status }) => status === 'up');
      return {
        status: database.status === 'down' ? 'down' : isWhole ? 'ok' : 'degraded',
        service: { status: 'up', uptimeSeconds: Math.floor(process.uptime()), version: deps.version },
        database,
        replica,
        redis,
        nodes: all,
        pool,
      };
    },

    /** Whether requests can be served: the database answers. Redis and nodes may be away. */
    isReady: async (): Promise<boolean> => (await timed(tenancy.ping)).status === 'up',

    /** One round over the nodes. A node that went or came has all its phones looked at. */
    async round(): Promise<void> {
      const listed = await tenancy.shared.nodes.list();
      await Promise.all(
        listed.map(async (node) => {
          const health = await evolution.health(node.url);
          const changed = await tenancy.shared.nodes.setHealth(node.id, health, gap);
          if (health.status === 'up') await learn(node, changed);
          if (!changed) return;
          logger[health.status === 'up' ? 'info' : 'warn']('node changed', {
            node: node.name,
            status: health.status,
            detail: health.detail,
          });
          await askAll(node.id);
        }),
      );
      await giveUp();
      await takeBack(listed.filter(({ isLost }) => isLost));
    },
  };
}
