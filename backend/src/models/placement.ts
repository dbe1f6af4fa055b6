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
  nodeStatus: 'unknown' | 'up' | 'down';
  /** Its node gives no answer, for so long that its phones are moved. */
  isNodeLost: boolean;
  /** Its node is being emptied. */
  isNodeDraining: boolean;
  /** What its node was told to post to; null: not known. */
  inboundUrl: string | null;
}

const columns =
  raw(`p.id, p.user_id as "userId", p.phone_id as "phoneId", p.generation, p.node_id as "nodeId",
  n.name as "nodeName", n.url as "nodeUrl", p.made_at as "madeAt", p.opened_at as "openedAt", p.ended_at as "endedAt",
  p.inbound_url as "inboundUrl", n.status as "nodeStatus", n.is_lost as "isNodeLost", n.is_draining as "isNodeDraining"`);

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

  list: (ids: readonly string[]) =>
    db.query<Placement>(sql`
      select ${columns} from placements p join nodes n on n.id = p.node_id where p.id = any (${[...ids]}::text[])`),

  async setSecret(id: string, secretHash: Buffer): Promise<void> {
    await db.query(sql`update placements set secret_hash = ${secretHash} where id = ${id}`);
  },

  async setMade(id: string, inboundUrl: string): Promise<void> {
    await db.query(sql`update placements set made_at = now(), inbound_url = ${inboundUrl} where id = ${id}`);
  },

  /** It was made and paired by others; where its node posts to is not known. */
  async setAdopted(id: string): Promise<void> {
    await db.query(sql`update placements set made_at = now(), opened_at = now() where id = ${id}`);
  },

  /** Its node posts there from now on. What it may have posted elsewhere is looked for, where the phone is open. */
  async setInboundUrl(id: string, inboundUrl: string): Promise<void> {
    await db.query(sql`update placements set inbound_url = ${inboundUrl} where id = ${id}`);
    await db.query(sql`
      select note_opening(n.user_id, n.id, '5 seconds')
        from placements p join phone_numbers n on n.id = p.phone_id where p.id = ${id} and n.is_connected`);
  },

  /**
   * Asks for a look at each phone in context whose node was told to post elsewhere than to `prefix` and its placement's
   * id: one after the other, `after` seconds from now and then each `apart` seconds later. Returns how many.
   */
  async askMisdirected(prefix: string, when: { after: number; apart: number }): Promise<number> {
    const rows = await db.query(sql`
      select ask_check(user_id, phone_id, now() + make_interval(secs => ${when.after}::float8 + ${when.apart}::float8 * nth))
        from (select user_id, phone_id, row_number() over (order by phone_id) - 1 as nth from placements
               where ended_at is null and made_at is not null and inbound_url is distinct from ${prefix} || id) p`);
    return rows.length;
  },

  /** The phone lives there no longer; its node is to forget it. */
  async end(phoneId: number): Promise<void> {
    await db.query(
      sql`update placements set ended_at = now() where phone_id = ${phoneId} and ended_at is null`,
    );
  },

  /** Where a phone lived, and its node may not have forgotten it yet; whether its pairing was taken along. */
  listLeft: (phoneId: number) =>
    db.query<Placement & { hasMoved: boolean }>(sql`
      select ${columns}, exists (select from moves m where m.from_placement = p.id) as "hasMoved" from placements p join nodes n on n.id = p.node_id
       where p.phone_id = ${phoneId} and p.ended_at is not null and p.cleared_at is null order by p.generation`),

  async setCleared(id: string): Promise<void> {
    await db.query(sql`update placements set cleared_at = now() where id = ${id}`);
  },

  /** The node lost it: it was never made there, and never paired. */
  async setLost(id: string): Promise<void> {
    await db.query(
      sql`update placements set made_at = null, opened_at = null, connection_facts = '[]' where id = ${id}`,
    );
  },

  /** In the order of the node's clock, the last of them. */
  async listConnectionFacts(id: string): Promise<ConnectionNote[]> {
    const [row] = await db.query<{ facts: ConnectionNote[] }>(
      sql`select connection_facts as facts from placements where id = ${id}`,
    );
    return row?.facts ?? [];
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
