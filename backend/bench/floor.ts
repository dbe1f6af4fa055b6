import express from 'express';
import pg from 'pg';

/** Floors: Express 5 handlers with one insert each, a pool of ten, and no middleware. */
const pool = new pg.Pool({ connectionString: process.env['FLOOR_DATABASE_URL'], max: 10 });
const app = express();
app.use(express.json());
app.post('/api/messages/send', async (req, res) => {
  const { phoneId, to, message, type } = req.body as Record<string, unknown>;
  const { rows } = await pool.query(
    'insert into floor_messages (phone_id, to_number, content, type) values ($1, $2, $3, $4) returning *',
    [phoneId, to, message, type],
  );
  res.status(202).json(rows[0]);
});
app.post('/inbound/:placement', async (req, res) => {
  await pool.query('insert into floor_posts (placement, body) values ($1, $2)', [
    req.params.placement,
    JSON.stringify(req.body),
  ]);
  res.end();
});
await pool.query(
  'create table if not exists floor_posts (id bigserial primary key, placement text, body jsonb, created_at timestamptz default now())',
);
await pool.query(
  'create table if not exists floor_messages (id bigserial primary key, phone_id bigint, to_number text, content text, type text, created_at timestamptz default now())',
);
app.listen(Number(process.env['PORT']), '127.0.0.1');
