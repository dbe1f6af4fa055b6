import { createServer } from 'node:http';
import Joi from 'joi';
import pg from 'pg';
import { createApp } from '../src/app.js';
import { createLogger } from '../src/config/logger.js';
import { createRedis } from '../src/config/redis.js';
import { createLimitStores } from '../src/clients/limit-store.js';
import { endpoint } from '../src/utils/endpoint.js';

/** The floor of `me.ts`: one select, and the same middleware; whoever asks is user 1. */
const logger = createLogger({ level: 'info' });
const pool = new pg.Pool({ connectionString: process.env['FLOOR_DATABASE_URL'], max: 10 });
const redis = createRedis(
  { host: '127.0.0.1', port: Number(process.env['REDIS_PORT']), password: '', clusterNodes: [] },
  logger,
);
const MANY = 100_000_000;
const app = createApp({
  endpoints: [
    endpoint({
      method: 'get',
      path: '/api/me',
      access: 'account:read',
      tag: 'Floor',
      summary: 'One select',
      input: {},
      output: { 200: Joi.object().unknown() },
      problems: [],
      handler: async (_req, res) => {
        const { rows } = await pool.query('select * from floor_users where id = $1', [1]);
        res.json(rows[0]);
      },
    }),
  ],
  identify: async () => ({
    userId: 1,
    scopes: 'all',
    isAdmin: false,
    via: 'jwt',
    credentialId: 'floor',
    allowedIps: null,
    phoneIds: null,
    messagesPerDay: undefined,
  }),
  logger,
  limitStore: createLimitStores(redis).store,
  config: {
    version: '0',
    serverUrl: 'http://localhost',
    corsOrigins: [],
    trustProxy: 'loopback',
    jsonLimit: 1_000_000,
    rateLimits: { window: 900, ip: MANY, user: MANY, auth: MANY, authIp: MANY, account: MANY, send: MANY },
  },
});
await pool.query(
  'create table if not exists floor_users (id bigint primary key, username text, email text, role text, is_active boolean, created_at timestamptz default now())',
);
await pool.query(
  `insert into floor_users values (1, 'floor', 'floor@example.com', 'user', true) on conflict do nothing`,
);
createServer(app).listen(Number(process.env['PORT']), '127.0.0.1');
