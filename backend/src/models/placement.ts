import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

/** One thing a node told of a connection, or that it shows a QR. */
export interface ConnectionNote {
  state: 'open' | 'connecting' | 'close' | 'refused' | 'qr';
  statusReason: number | null;
  owner: string | null;
  /** ISO 8601, by the node's clock. */
  at: string;
}

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
  /** In the order of the node's clock, the last of them. */
  connectionFacts: ConnectionNote[];
}

const columns =
  raw(`p.id, p.user_id as "userId", p.phone_id as "phoneId", p.generation, p.node_id as "nodeId",
  n.name as "nodeName", n.url as "nodeUrl", p.made_at as "madeAt", p.opened_at as "openedAt", p.ended_at as "endedAt",
  p.connection_facts as "connectionFacts"`);

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
    await db.query(
      sql`update placements set made_at = null, opened_at = null, connection_facts = '[]' where id = ${id}`,
    );
  },

  async setConnectionFacts(id: string, facts: readonly ConnectionNote[]): Promise<void> {
    await db.query(
      sql`update placements set connection_facts = ${JSON.stringify(facts)}::jsonb where id = ${id}`,
    );
  },

  async setOpened(id: string): Promise<void> {
    await db.query(sql`update placements set opened_at = coalesce(opened_at, now()) where id = ${id}`);
  },
});
