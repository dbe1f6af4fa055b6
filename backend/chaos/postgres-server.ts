import pg from 'pg';
import { startPostgres, withClient, type Postgres } from '../../dev/src/postgres.js';

export type PostgresServer = Awaited<ReturnType<typeof startPostgresServer>>;

/** A PostgreSQL that can be made to crash. What it has committed outlives its crash, also without `fsync`. */
export async function startPostgresServer(dataDir: string, fsync: boolean) {
  const settings = { fsync: fsync ? 'on' : 'off', max_connections: '60' };
  let running: Postgres = await startPostgres({ dataDir, settings });
  const { superuser, gateway, port } = running;
  const asSuperuser = <T>(work: (client: pg.Client) => Promise<T>) => withClient(superuser.url, work);
  const setting = (change: string) =>
    asSuperuser(async (client) => {
      await client.query(`alter system ${change}`);
      await client.query('select pg_reload_conf()');
    });

  return {
    adminUrl: gateway.url.replace(/\/[^/]*$/, '/postgres'),
    superuserUrl: superuser.url,
    port,
    /** kill -9 of one connection's process: the server ends all others, recovers and goes on by itself. */
    async killBackend(): Promise<void> {
      const pid = await asSuperuser(async (client) => {
        const { rows } = await client.query<{ pid: number }>(
          `select pid from pg_stat_activity where usename = $1 and backend_type = 'client backend' limit 1`,
          [gateway.user],
        );
        return rows[0]?.pid;
      });
      if (pid) process.kill(pid, 'SIGKILL');
    },
    /** "Immediate": no checkpoint, nobody is told; it recovers from its log at the next start. */
    async crash(): Promise<void> {
      process.kill(running.pid, 'SIGQUIT');
      await running.exited;
    },
    async start(): Promise<void> {
      running = await startPostgres({ dataDir, settings, port });
    },
    readOnly: () => setting('set default_transaction_read_only = on'),
    writable: () => setting('reset default_transaction_read_only'),
    /** Takes every connection that is not kept for superusers, those of the gateway too. Returns how to give them back. */
    async exhaust(): Promise<() => Promise<void>> {
      const held: pg.Client[] = [];
      const drop = `select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and pid <> all ($2)`;
      await asSuperuser(async (admin) => {
        const takeAll = async () => {
          for (;;) {
            const client = new pg.Client({ connectionString: gateway.url, connectionTimeoutMillis: 2000 });
            client.on('error', () => undefined);
            try {
              await client.connect();
            } catch {
              return;
            }
            held.push(client);
          }
        };
        await takeAll();
        const pids = held.map((client) => (client as unknown as { processID: number }).processID);
        await admin.query(drop, [gateway.user, pids]);
        await takeAll();
      });
      return async () => void (await Promise.all(held.map((client) => client.end())));
    },
    stop: () => running.stop(),
  };
}
