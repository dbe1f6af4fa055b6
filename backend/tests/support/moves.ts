import { expect } from '@jest/globals';
import pg from 'pg';
import { newPhone, newUser, settled } from './client.js';
import { adminUrl } from './database.js';
import { startNodes } from './nodes.js';
import { startGatewayProcess } from './process.js';
import { until } from './until.js';

/** Where a move is interrupted: before it is made, or when a step has done its work and is about to say so. */
export type Moment = 'begin' | 'wait' | 'make' | 'hand_over' | 'release' | 'keys' | 'open' | 'history';

const LOCK = 4711;

/**
 * Holds whoever is about to commit that moment: the statement waits for a lock of this connection. What the step did
 * elsewhere is done then, and nothing here says so, which is the worst moment to be killed at.
 */
async function holdAt(database: string, moment: Moment) {
  const url = adminUrl();
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  const [on, when] =
    moment === 'begin' ? ['insert', 'true'] : ['update', `old.step = '${moment}' and old.ended_at is null`];
  await client.query(`
    select pg_advisory_lock(${LOCK});
    create or replace function hold_move() returns trigger language plpgsql as
      'begin perform pg_advisory_xact_lock(${LOCK}); return new; end';
    create trigger hold before ${on} on moves for each row when (${when}) execute function hold_move()`);
  return {
    isHeld: async () =>
      (
        await client.query(
          `select from pg_locks where locktype = 'advisory' and objid = ${LOCK} and not granted`,
        )
      ).rowCount! > 0,
    async release() {
      await client.query(`select pg_advisory_unlock(${LOCK})`);
      await client.query('drop trigger hold on moves');
      await client.end();
    },
  };
}

/** A gateway that is killed in the middle of moves, over two nodes, with a phone of one user. */
export async function startMoves() {
  const nodes = await startNodes(2);
  const gateway = await startGatewayProcess({
    EVOLUTION_NODES: nodes.list(),
    ...nodes.store,
    FAILOVER_AFTER: '1',
    NODE_TIMEOUT: '3',
    LEASE_MARGIN: '1',
  });
  const user = await newUser(gateway.url);
  const phone = await newPhone(user);
  const place = async () =>
    (
      await gateway.database.queryAll<{ id: string; node_id: number; node: string }>(
        `select p.id, n.id as node_id, n.name as node from placements p join nodes n on n.id = p.node_id
          where phone_id = $1 and ended_at is null`,
        [phone.id],
      )
    )[0]!;
  const send = async (message: string) =>
    (await user.api.post('/api/messages/send', { phoneId: phone.id, to: '+628981119999', message })).body;
  const drain = (node: number, isDraining: boolean) =>
    gateway.database.query(
      `update nodes set is_draining = ${isDraining} where id = ${node}; select ask_checks_of_node(${node})`,
    );

  return {
    /** Its node is killed, or drained while it lives; then the phone is open elsewhere, and what waited went out once. */
    async isKilledAt(moment: Moment, source: 'dead' | 'live'): Promise<void> {
      const before = await place();
      const node = nodes.nodes.find(({ name }) => name === before.node)!;
      const other = nodes.nodes.find((one) => one !== node)!;
      const words = `${source} ${moment} ${before.id}`;
      const hold = await holdAt(gateway.database.env.DB_NAME!, moment);
      if (source === 'dead') await node.kill();
      else await drain(before.node_id, true);
      const waiting = await send(words);
      await until(`held at ${moment}`, hold.isHeld);
      await gateway.end('SIGKILL');
      await hold.release();
      await gateway.start();

      await settled(user, waiting.id, ['sent', 'delivered', 'read']);
      await until('it lives on the other one', async () => (await place()).node === other.name);
      if (source === 'dead') await node.start();
      else await drain(before.node_id, false);
      await until(
        'its former node has forgotten it',
        async () => (await nodes.call(`/instance/connectionState/${before.id}`, {}, node.url)).status === 404,
      );
      await until('that node takes phones', async () => {
        const rows = await gateway.database.queryAll(
          `select 1 from nodes where name = '${node.name}' and status = 'up' and not is_lost`,
        );
        return rows.length === 1;
      });
      const { status } = (await user.api.get(`/api/phones/${phone.id}`)).body;
      const ledger = (await nodes.ledger(other.url)).filter((entry) => JSON.stringify(entry).includes(words));
      expect([status, ledger.length]).toEqual(['connected', 1]);
      const told = await gateway.database.queryAll(
        `select 1 from events where type = 'phone.moved' and body like '%' || $1 || '%'`,
        [String(phone.phoneNumber)],
      );
      expect(told.length).toBeGreaterThan(0);
    },
    async stop() {
      await gateway.stop();
      await nodes.stop();
    },
  };
}
