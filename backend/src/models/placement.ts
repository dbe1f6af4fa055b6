import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

export interface Placement {
  id: string;
  userId: number;
  phoneId: number;
  generation: number;
  nodeId: number;
  nodeName: string;
  nodeUrl: string;
  madeAt: Date | null;
  openedAt: Date | null;
  endedAt: Date | null;
}

const columns =
  raw(`p.id, p.user_id as "userId", p.phone_id as "phoneId", p.generation, p.node_id as "nodeId",
  n.name as "nodeName", n.url as "nodeUrl", p.made_at as "madeAt", p.opened_at as "openedAt", p.ended_at as "endedAt"`);

export const placementModel = (db: Db) => ({
  /** Places a phone on a node: the next generation. The secret is stored before the node is told of it. */
  async create(placement: {
    id: string;
    userId: number;
    phoneId: number;
    nodeId: number;
    secretHash: Buffer;
  }): Promise<void> {
    await db.query(sql`
      insert into placements (id, user_id, phone_id, generation, node_id, secret_hash)
      select ${placement.id}, ${placement.userId}, ${placement.phoneId}, coalesce(max(generation), 0) + 1,
             ${placement.nodeId}, ${placement.secretHash}
        from placements where phone_id = ${placement.phoneId}`);
    await db.query(sql`select place_check(${placement.userId}, ${placement.phoneId}, ${placement.nodeId})`);
  },

  async findCurrent(phoneId: number): Promise<Placement | null> {
    const [row] = await db.query<Placement>(sql`
      select ${columns} from placements p join nodes n on n.id = p.node_id where p.phone_id = ${phoneId} and p.ended_at is null`);
    return row ?? null;
  },

  async find(id: string): Promise<Placement | null> {
    const [row] = await db.query<Placement>(sql`
      select ${columns} from placements p join nodes n on n.id = p.node_id where p.id = ${id}`);
    return row ?? null;
  },

  async setSecret(id: string, secretHash: Buffer): Promise<void> {
    await db.query(sql`update placements set secret_hash = ${secretHash} where id = ${id}`);
  },

  async setMade(id: string): Promise<void> {
    await db.query(sql`update placements set made_at = now() where id = ${id}`);
  },

  /** The node lost it: it was never made there, and never paired. */
  async setLost(id: string): Promise<void> {
    await db.query(sql`update placements set made_at = null, opened_at = null where id = ${id}`);
  },

  async setOpened(id: string): Promise<void> {
    await db.query(sql`update placements set opened_at = coalesce(opened_at, now()) where id = ${id}`);
  },
});
