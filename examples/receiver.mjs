// A receiver of webhooks with Node's standard library: `WEBHOOK_SECRET=whsec_… node receiver.mjs`, then POST to :9000.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const TOLERANCE = 300; // seconds that clocks may differ, and a post may be old

/** Whether a post is genuine. `body`: its bytes as they came, before any parsing. `now`: seconds. */
export function isGenuine(secret, headers, body, now = Date.now() / 1000) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (!id || !signatures || !/^\d+$/.test(timestamp ?? '') || Math.abs(now - Number(timestamp)) > TOLERANCE) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  return signatures.split(' ').some((one) => {
    const given = Buffer.from(one.startsWith('v1,') ? one.slice(3) : '', 'base64');
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const seen = new Set(); // of the last posts; in earnest, a unique column in your database
  createServer(async (req, res) => {
    const body = Buffer.concat(await req.toArray());
    if (!isGenuine(process.env.WEBHOOK_SECRET ?? '', req.headers, body)) return res.writeHead(401).end();
    const { id, event, data } = JSON.parse(body);
    if (!seen.has(id)) console.log(event, JSON.stringify(data));
    seen.add(id);
    res.writeHead(204).end(); // any 2xx, within 15 seconds: do what takes longer after it
  }).listen(Number(process.env.PORT ?? 9000), '127.0.0.1');
}
