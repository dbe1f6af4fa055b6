import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startBrowser } from '../support/browser.js';
import { newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

describe('a connect link', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  let browser: Browser;
  beforeAll(async () => {
    // Codes are scanned only when told to.
    nodes = await startNodes(1, { SANDBOX_SCAN_MS: '0' });
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list() } });
    user = await newUser(gateway.url);
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.stop();
    await nodes?.stop();
  });

  const add = async (deviceName = 'Shop') =>
    (await user.api.post('/api/phones', { phoneNumber: newNumber(), deviceName })).body.id as number;
  const link = async (id: number, body?: unknown) => {
    const answer = await user.api.post(`/api/phones/${id}/connect-link`, body);
    expect(answer.status).toBe(201);
    // It names the public address; here the gateway is asked itself.
    const { pathname, search } = new URL(answer.body.url);
    return { ...answer.body, at: `${gateway.url}${pathname}${search}`, pathname, search };
  };
  const scan = async (id: number) => {
    const [row] = await gateway.database.queryAll<{ id: string }>(
      'select id from placements where phone_id = $1 and ended_at is null',
      [id],
    );
    return nodes.call('/sandbox/scan', { method: 'POST', body: { instance: row!.id } });
  };

  it('opened in a browser without an account › shows the code, and says when it is connected', async () => {
    const id = await add('<b>Shop</b>');
    const { at } = await link(id);
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (line) => line.type() === 'error' && faults.push(line.text()));
    await page.goto(at);
    const code = page.getByRole('img', { name: 'The QR code to scan' });
    await code.waitFor({ state: 'visible', timeout: 45_000 });
    expect(await code.getAttribute('src')).toMatch(/^data:image\/png;base64,/);
    expect(await page.getByRole('heading').textContent()).toBe('Connect <b>Shop</b> to WhatsApp');
    await scan(id);
    await page.getByRole('heading', { name: 'Connected' }).waitFor({ timeout: 45_000 });
    expect(await code.isVisible()).toBe(false);
    expect(faults).toEqual([]);
    await page.close();
  });

  it('by the method pairingCode › shows a code to type', async () => {
    const id = await add();
    const { at } = await link(id, { method: 'pairingCode' });
    const page = await browser.newPage();
    await page.goto(at);
    await page.locator('#code', { hasText: /^[A-Z0-9-]{8,9}$/ }).waitFor({ timeout: 45_000 });
    await page.close();
  });

  it('expired, of another phone, or changed › tells nothing, and the page says so', async () => {
    const [id, other] = [await add(), await add()];
    const { search, pathname } = await link(id);
    const state = (of: number, query: string) =>
      fetch(`${gateway.url}/api/connect/${of}/state${query}`).then((answer) => answer.status);
    expect(await state(id, search)).toBe(200);
    expect(await state(other, search)).toBe(404);
    const changed = search.replace(/expires=\d+/, 'expires=9999999999');
    expect(await state(id, changed)).toBe(404);
    expect(await state(id, '')).toBe(400);
    const page = await browser.newPage();
    await page.goto(`${gateway.url}${pathname}${changed}`);
    await page.getByRole('heading', { name: 'This link has expired' }).waitFor({ timeout: 45_000 });
    await page.close();
  });

  it('of a media › is no link to connect', async () => {
    const id = await add();
    const { body: media } = await user.api.post('/api/media', { media: 'aGVsbG8=' });
    const { search } = new URL(media.url);
    const answer = await fetch(`${gateway.url}/api/connect/${media.id}/state${search}`);
    expect([answer.status, id > 0]).toEqual([404, true]);
  });

  it('the page › runs, loads and sends nothing but its own', async () => {
    const { at } = await link(await add());
    const answer = await fetch(at);
    expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'sha256-/);
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('of a connected phone › 409; of nobody’s › 404; for a month › 400', async () => {
    const id = await add();
    await link(id);
    await until('a code is shown', async () => (await user.api.get(`/api/phones/${id}/qr`)).status === 200);
    await scan(id);
    await until('connected', async () => (await user.api.get(`/api/phones/${id}`)).body.isConnected);
    expect((await user.api.post(`/api/phones/${id}/connect-link`)).body.code).toBe('phone_connected');
    expect((await user.api.post('/api/phones/999999/connect-link')).status).toBe(404);
    const long = await user.api.post(`/api/phones/${id}/connect-link`, { expiresIn: 2_592_000 });
    expect([long.status, long.body.errors[0].pointer]).toEqual([400, '/expiresIn']);
  });
});
