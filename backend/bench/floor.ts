import express from 'express';
import pg from 'pg';

/** The floor: an Express 5 handler with one `insert … returning`, a pool of ten, and no middleware. */
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
await pool.query(
  'create table if not exists floor_messages (id bigserial primary key, phone_id bigint, to_number text, content text, type text, created_at timestamptz default now())',
);
app.listen(Number(process.env['PORT']), '127.0.0.1');
