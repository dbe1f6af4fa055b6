import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Joi from 'joi';
import { endpoint } from '../../src/utils/endpoint.js';
import { catalogue } from '../../src/utils/problem.js';
import { ask, startFrame } from '../support/frame.js';

describe('the documents', () => {
  let frame: Awaited<ReturnType<typeof startFrame>>;
  beforeAll(async () => {
    frame = await startFrame([
      endpoint({
        method: 'get',
        path: '/api/things',
        access: 'user',
        tag: 'T',
        summary: 'S',
        input: {},
        output: { 200: Joi.object() },
        problems: [],
        handler: (_req, res) => void res.json({}),
      }),
    ]);
  });
  afterAll(async () => frame.stop());

  const get = (path: string) => ask(`${frame.url}${path}`);

  it('/api-docs › without a slash › leads to the page', async () => {
    const { status, headers } = await get('/api-docs');
    expect([status, headers.get('location')]).toEqual([301, '/api-docs/']);
  });

  it('/api-docs/ › the page and each file it names › comes from us, as its policy demands', async () => {
    const page = await get('/api-docs/');
    expect([page.status, page.type]).toEqual([200, 'text/html; charset=utf-8']);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe-eval');
    expect(page.text).not.toMatch(/<script(?![^>]*src=)[^>]*>\s*\S/);
    const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThanOrEqual(4);
    for (const file of files) {
      expect(file).toMatch(/^\.\//);
      expect([file, (await get(`/api-docs/${file.slice(2)}`)).status]).toEqual([file, 200]);
    }
  });

  it('the initialiser › loads our own document', async () => {
    const { text } = await get('/api-docs/swagger-ui-init.js');
    expect(text).toContain('./openapi.json');
    expect(text).not.toContain('petstore');
  });

  it('/api-docs/openapi.json › the rows, with both credentials and both servers', async () => {
    const { body } = await get('/api-docs/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    expect(body.servers).toEqual([{ url: '/' }, { url: 'http://localhost:8080' }]);
    expect(body.paths['/api/things'].get.security).toEqual([{ bearer: [] }, { apiKey: [] }]);
    expect(body.components.securitySchemes).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
      apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
    });
  });

  it('/api-docs/problems › has an anchor for every code', async () => {
    const { text, type } = await get('/api-docs/problems');
    expect(type).toMatch('text/html');
    for (const code of Object.keys(catalogue)) expect(text).toContain(`id="${code}"`);
  });

  it('files beyond the user interface › are not served', async () => {
    for (const path of [
      '/api-docs/package.json',
      '/api-docs/..%2fpackage.json',
      '/api-docs/%2e%2e/index.js',
    ]) {
      expect((await get(path)).text).not.toMatch(/"dependencies"|module\.exports/);
    }
  });
});
