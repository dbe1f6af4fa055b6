import { describe, expect, it } from '@jest/globals';
import Joi from 'joi';
import { endpoint, type EndpointRow, type Input } from '../../src/utils/endpoint.js';
import { Problem } from '../../src/utils/problem.js';
import { startFrame } from '../support/frame.js';
import { strangerCalls, trespasses } from '../support/isolation.js';

const id = Joi.number().integer().min(1);
const row = (more: Partial<EndpointRow<Input>>) =>
  endpoint({
    method: 'get',
    path: '/api/phones/:id',
    access: 'phones:read',
    tag: 'T',
    summary: 'S',
    input: { params: Joi.object({ id: id.required() }) },
    output: { 200: Joi.object().unknown() },
    problems: ['not_found'],
    handler: (_req, res) => void res.json({ id: 1 }),
    ...more,
  });

const phones = { foreign: { phones: 7 }, own: { phones: 5 } };

describe('a stranger’s calls', () => {
  it('of rows with ids in path, query and body › one for each id, with a body that is else valid', () => {
    const rows = [
      row({ path: '/api/phones/:id/qr' }),
      row({ path: '/api/messages', input: { query: Joi.object({ phoneId: id, limit: Joi.number() }) } }),
      row({
        method: 'post',
        path: '/api/messages/send',
        input: {
          body: Joi.object({
            phoneId: id.required().example(1),
            to: Joi.string().required().example('+1'),
            more: Joi.string(),
          }),
        },
      }),
      row({
        method: 'patch',
        input: {
          params: Joi.object({ id: id.required() }),
          body: Joi.object({
            name: Joi.string(),
            phoneIds: Joi.array().items(id),
            reply: Joi.object({ toPhoneId: id }),
          }).example({ name: 'x', phoneIds: [1] }),
        },
      }),
      row({ path: '/api/phones', input: {} }),
      row({ path: '/health', access: 'public', input: {} }),
    ];
    expect(strangerCalls(rows, phones)).toEqual([
      { name: 'GET /api/phones/:id/qr', method: 'GET', path: '/api/phones/7/qr', mayBeEmpty: false },
      { name: 'GET /api/messages?phoneId', method: 'GET', path: '/api/messages?phoneId=7', mayBeEmpty: true },
      {
        name: 'POST /api/messages/send {phoneId}',
        method: 'POST',
        path: '/api/messages/send',
        body: { phoneId: 7, to: '+1' },
        mayBeEmpty: false,
      },
      {
        name: 'PATCH /api/phones/:id',
        method: 'PATCH',
        path: '/api/phones/7',
        body: { name: 'x', phoneIds: [5] },
        mayBeEmpty: false,
      },
      {
        name: 'PATCH /api/phones/:id {phoneIds}',
        method: 'PATCH',
        path: '/api/phones/5',
        body: { name: 'x', phoneIds: [7] },
        mayBeEmpty: false,
      },
      {
        name: 'PATCH /api/phones/:id {reply.toPhoneId}',
        method: 'PATCH',
        path: '/api/phones/5',
        body: { name: 'x', phoneIds: [5], reply: { toPhoneId: 7 } },
        mayBeEmpty: false,
      },
    ]);
  });

  it('of a row whose id or example nobody gave › are refused, not left out', () => {
    expect(() => strangerCalls([row({ path: '/api/widgets/:id' })], phones)).toThrow('widgets');
    const nameless = row({ method: 'patch', input: { body: Joi.object({ name: Joi.string().required() }) } });
    expect(() => strangerCalls([nameless], phones)).toThrow('name an example');
  });

  it('made › tell hidden rows from those that are given away', async () => {
    const hidden = row({ handler: () => Promise.reject(new Problem('not_found')) });
    const forbidden = row({
      path: '/api/phones/:id/qr',
      handler: () => Promise.reject(new Problem('forbidden')),
    });
    const open = row({ path: '/api/phones/:id/token' });
    const query = { query: Joi.object({ phoneId: id }) };
    const empty = row({
      path: '/api/messages',
      input: query,
      handler: (_req, res) => void res.json({ data: [] }),
    });
    const full = row({
      path: '/api/events',
      input: query,
      handler: (_req, res) => void res.json({ data: [1] }),
    });
    const rows = [hidden, forbidden, open, empty, full];
    const frame = await startFrame(rows);
    const found = await trespasses(frame.url, 'token', strangerCalls(rows, phones));
    await frame.stop();
    expect(found.map((text) => text.split(': ')[0])).toEqual([
      'GET /api/phones/:id/qr',
      'GET /api/phones/:id/token',
      'GET /api/events?phoneId',
    ]);
  });
});
