// A complete journey with Node's standard library: the answer comes back as a signed webhook. Needs `npm start`.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const gateway = process.env.GATEWAY_URL ?? 'http://localhost:8080';
const tag = `${Date.now()}${process.pid}`;
let token, secret;
const call = async (method, path, body) => {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const answer = await fetch(gateway + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};
const isGenuine = (headers, text) => {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
  const wanted = createHmac('sha256', key).update(signed).digest();
  const given = headers['webhook-signature'].split(' ').map((one) => Buffer.from(one.slice(3), 'base64'));
  return given.some((one) => one.length === wanted.length && timingSafeEqual(one, wanted));
};
const events = [];
const receiver = createServer(async (req, res) => {
  const text = Buffer.concat(await req.toArray()).toString();
  const genuine = secret !== undefined && isGenuine(req.headers, text);
  if (genuine) events.push(JSON.parse(text));
  res.writeHead(genuine ? 204 : 401).end(); // not taken: it comes again
});
await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const until = async (what, find) => { for (let i = 0; i < 300; i += 1) { if (await find()) return console.log(what); await new Promise((r) => setTimeout(r, 100)); } throw new Error(`gave up: ${what}`); };

({ token } = await call('POST', '/api/auth/register', { username: `node${tag}`, email: `node${tag}@example.com`, password: 'SecurePass123' }));
const webhookUrl = `http://127.0.0.1:${receiver.address().port}/webhook`;
const phone = await call('POST', '/api/phones', { phoneNumber: process.env.PHONE_NUMBER ?? '+6281234567891', deviceName: 'Node', webhookUrl });
secret = phone.webhookSecret;
await until('connected', async () => (await call('GET', `/api/phones/${phone.id}`)).isConnected);
const message = await call('POST', '/api/messages/send', { phoneId: phone.id, to: '+6289876540007', message: 'Hello World!' });
await until('read', async () => (await call('GET', `/api/messages/${message.id}`)).status === 'read');
await until('answered: echo: Hello World!', () => events.some((e) => e.event === 'message' && e.data.message === 'echo: Hello World!'));
receiver.close();
