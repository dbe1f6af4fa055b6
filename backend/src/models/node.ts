import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

export interface Node {
  id: number;
  name: string;
  url: string;
  status: 'unknown' | 'up' | 'down';
  statusSince: Date;
  checkedAt: Date | null;
  latencyMs: number | null;
  detail: string | null;
  /** No HTTP answer since then. */
  silentSince: Date | null;
  /** Its phones are moved, and it takes none. */
  isLost: boolean;
  isDraining: boolean;
  /** `settings`: listed there, and ruled by them. */
  origin: 'settings' | 'admin';
  /** Its share of the phones, beside the others'. */
  weight: number;
  /** How many phones it takes; null: no limit. */
  capacity: number | null;
  hasOwnKey: boolean;
  version: string | null;
  clientName: string | null;
  /** How many numbers its process holds, as its metrics say. */
  held: number | null;
  faults: NodeFault[];
  detailsAt: Date | null;
}

/** What is wrong with a node though it answers. */
export type NodeFault = 'same_client_name' | 'unknown_version';

export interface NodeDetails {
  version: string | null;
  clientName: string | null;
  held: number | null;
}

export interface NodeChange {
  name?: string;
  url?: string;
  weight?: number;
  capacity?: number | null;
  /** Sealed; null: that of the settings. */
  apiKey?: string | null;
}

/** Client names that more than one node has. */
const DOUBLE_NAMES =
  'select client_name from nodes where is_enabled and client_name is not null group by 1 having count(*) > 1';

const columns = raw(`id, name, url, status, status_since as "statusSince", checked_at as "checkedAt",
  latency_ms as "latencyMs", detail, silent_since as "silentSince", is_lost as "isLost", is_draining as "isDraining",
  origin, weight::float8 as weight, capacity, api_key is not null as "hasOwnKey", version, client_name as "clientName", held,
  array_remove(array[case when version not like '2.3.%' then 'unknown_version' end,
    case when client_name in (${DOUBLE_NAMES}) then 'same_client_name' end], null) as faults,
  details_at as "detailsAt"`);

/** Nodes belong to nobody: they carry no tenant data. */
export const nodeModel = (db: Db) => ({
  /** Makes those of the settings equal to their list; a node that is no longer listed is kept, disabled. */
  async sync(nodes: readonly { name: string; url: string }[]): Promise<void> {
    await db.query(sql`
      insert into nodes as n (name, url)
      select * from unnest(${nodes.map((n) => n.name)}::text[], ${nodes.map((n) => n.url)}::text[])
      on conflict (name) do update set url = excluded.url, is_enabled = true
      where n.origin = 'settings' and (n.url <> excluded.url or not n.is_enabled)`);
    await db.query(
      sql`update nodes set is_enabled = false where is_enabled and origin = 'settings' and name <> all (${nodes.map((n) => n.name)}::text[])`,
    );
  },

  list: () => db.query<Node>(sql`select ${columns} from nodes where is_enabled order by id`),

  /** With how many phones live there, and of how many others it may still hold something. */
  listWithLoads: () =>
    db.query<Node & { phones: number; leftovers: number }>(sql`
      select ${columns}, coalesce(l.phones, 0) as phones, node_leftovers(id) as leftovers
        from nodes left join node_loads() l on l.node_id = nodes.id where is_enabled order by id`),

  /** Null: there is one of this name. One that was removed comes back. */
  async create(node: {
    name: string;
    url: string;
    apiKey: string | null;
    weight: number;
    capacity: number | null;
  }): Promise<number | null> {
    const [row] = await db.query<{ id: number }>(sql`
      insert into nodes as n (name, url, api_key, weight, capacity, origin)
      values (${node.name}, ${node.url}, ${node.apiKey}, ${node.weight}, ${node.capacity}, 'admin')
      on conflict (name) do update set url = excluded.url, api_key = excluded.api_key, weight = excluded.weight,
        capacity = excluded.capacity, origin = 'admin', is_enabled = true, is_draining = false, is_lost = false,
        status = 'unknown', silent_since = null, details_at = null
      where not n.is_enabled returning id`);
    return row?.id ?? null;
  },

  /** False: there is another one of that name. What is left out stays. */
  async update(id: number, to: NodeChange): Promise<boolean> {
    const { name = null, url = null, weight = null } = to;
    const rows = await db.query(sql`
      update nodes set name = coalesce(${name}, name), url = coalesce(${url}, url), weight = coalesce(${weight}, weight),
             capacity = case when ${to.capacity !== undefined} then ${to.capacity ?? null}::integer else capacity end,
             api_key = case when ${to.apiKey !== undefined} then ${to.apiKey ?? null} else api_key end,
             details_at = null
       where id = ${id} and not exists (select from nodes where name = ${name} and id <> ${id}) returning 1`);
    return rows.length > 0;
  },

  async remove(id: number): Promise<void> {
    await db.query(sql`update nodes set is_enabled = false where id = ${id}`);
  },

  /** Of those that have a key of their own, sealed. */
  listKeys: () =>
    db.query<{ url: string; apiKey: string }>(
      sql`select url, api_key as "apiKey" from nodes where is_enabled and api_key is not null`,
    ),

  /** Notes what a node says of itself. */
  async setDetails(id: number, { version, clientName, held }: NodeDetails): Promise<void> {
    await db.query(sql`
      update nodes set version = ${version}, client_name = ${clientName}, held = ${held}, details_at = now()
       where id = ${id}`);
  },

  /** Some of the phones that live there, the latest first. */
  listPhones: (id: number, limit: number) =>
    db.query<{ phoneId: number; userId: number }>(
      sql`select phone_id as "phoneId", user_id as "userId" from phones_of_node(${id}, ${limit})`,
    ),

  async setDraining(id: number, isDraining: boolean): Promise<void> {
    await db.query(sql`update nodes set is_draining = ${isDraining} where id = ${id}`);
  },

  async find(id: number): Promise<Node | null> {
    const [row] = await db.query<Node>(sql`select ${columns} from nodes where id = ${id}`);
    return row ?? null;
  },

  /**
   * Nodes that may take a phone, the least loaded first, but for `except`. Until the transaction ends nobody else chooses: two choices
   * at the same moment would see the same loads.
   */
  async listForPlacement(except: readonly number[] = []): Promise<Node[]> {
    await db.query(sql`select pg_advisory_xact_lock(hashtext('placement'))`);
    return db.query<Node>(sql`
      select ${columns} from nodes left join node_loads() l on l.node_id = nodes.id
       where is_enabled and status <> 'down' and not is_lost and not is_draining and id <> all (${[...except]}::bigint[])
         and coalesce(l.phones, 0) < coalesce(capacity, 2147483647) and coalesce(client_name not in (${raw(DOUBLE_NAMES)}), true)
       order by coalesce(l.phones, 0) / weight, id`);
  },

  /**
   * Stores what a look at a node found. Returns true when its status changed by this. It is silent from the first of the
   * looks that found it so on end, each less than `gap` seconds after the one before.
   */
  async setHealth(
    id: number,
    health: { status: 'up' | 'down'; isSilent: boolean; latencyMs: number; detail: string | null },
    gap: number,
  ): Promise<boolean> {
    const rows = await db.query<{ changed: boolean }>(sql`
      update nodes n set status = ${health.status}, checked_at = now(), latency_ms = ${health.latencyMs},
             detail = ${health.detail},
             silent_since = case when not ${health.isSilent}::boolean then null
                                 when n.checked_at > now() - make_interval(secs => ${gap}) then coalesce(n.silent_since, now())
                                 else now() end,
             status_since = case when n.status = ${health.status} then n.status_since else now() end
        from (select id, status from nodes where id = ${id} for update) old
       where n.id = old.id returning old.status <> ${health.status} as changed`);
    return rows[0]?.changed ?? false;
  },

  /** Those that have been silent for `seconds`, though not more than half of all are down, and one is up. */
  async listToLose(seconds: number): Promise<Node[]> {
    return db.query<Node>(sql`
      select ${columns} from nodes
       where is_enabled and not is_lost and status = 'down' and silent_since <= now() - make_interval(secs => ${seconds})
         and exists (select from nodes where is_enabled and status = 'up' and not is_lost and not is_draining)
         and (select count(*) filter (where status = 'down') * 2 <= count(*) from nodes where is_enabled)
       order by id`);
  },

  async setLost(id: number, isLost: boolean): Promise<void> {
    await db.query(sql`update nodes set is_lost = ${isLost} where id = ${id}`);
  },

  /** Of how many phones it may still hold what belongs elsewhere by now. */
  async countLeftovers(id: number): Promise<number> {
    const [row] = await db.query<{ count: number }>(sql`select node_leftovers(${id}) as count`);
    return row?.count ?? 0;
  },
});
