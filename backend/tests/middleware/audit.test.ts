import { afterEach, describe, expect, it } from '@jest/globals';
import Joi from 'joi';
import { isAudited, type AuditLine } from '../../src/middleware/audit.js';
import { endpoint, type EndpointRow, type Input } from '../../src/utils/endpoint.js';
import { Problem } from '../../src/utils/problem.js';
import { ask, startFrame } from '../support/frame.js';

const row = (more: Partial<EndpointRow<Input>> & Pick<EndpointRow<Input>, 'path'>) =>
  endpoint({
    method: 'post',
    access: 'user',
    tag: 'Keys',
    summary: 'S',
    input: { body: Joi.object({ name: Joi.string(), left: Joi.string().default('out') }) },
    output: { 200: Joi.object().unknown() },
    problems: [],
    handler: (_req, res) => void res.json({ id: 'key_1' }),
    ...more,
  });
const rows = [
  row({ path: '/api/keys' }),
  row({ path: '/api/refused', handler: () => Promise.reject(new Problem('conflict')) }),
  row({
    path: '/api/again',
    handler: (_req, res) => void res.setHeader('Idempotent-Replayed', 'true').json({ id: 'key_1' }),
  }),
  row({ path: '/api/said', tag: 'Messages' }),
];

describe('who did what', () => {
  let stop = async (): Promise<void> => undefined;
  afterEach(async () => stop());

  const start = async (append: (line: AuditLine) => Promise<void>) => {
    const faults: unknown[] = [];
    const frame = await startFrame(rows, {
      auditor: { append, onError: (error) => void faults.push(error) },
    });
    stop = frame.stop;
    return {
      faults,
      post: (path: string, body: object = {}) =>
        ask(`${frame.url}${path}`, { method: 'POST', headers: { authorization: 'Bearer x' }, body }),
    };
  };

  it('a change › is kept before it is answered, with what it was done to and the fields that were given', async () => {
    const kept: AuditLine[] = [];
    let keep = (): void => undefined;
    const { post } = await start(async (line) => {
      await new Promise<void>((resolve) => (keep = resolve));
      kept.push(line);
    });
    let isAnswered = false;
    const answer = post('/api/keys', { name: 'x' }).finally(() => (isAnswered = true));
    // As long as it takes a request that waits for nothing to be answered.
    await post('/api/said');
    expect([isAnswered, kept.length]).toEqual([false, 0]);
    keep();
    expect((await answer).body).toEqual({ id: 'key_1' });
    expect(kept).toEqual([
      expect.objectContaining({
        action: 'POST /api/keys',
        target: 'key_1',
        fields: ['name'],
        status: 200,
        actorId: 1,
      }),
    ]);
  });

  it.each(['Account', 'Admin', 'Auth', 'Keys', 'Phones', 'Webhooks'])('changes of %s › are kept', (tag) => {
    expect(isAudited({ method: 'post', tag, access: 'user' })).toBe(true);
  });

  it('refusals, repetitions, and what is said and sent › are not', async () => {
    const kept: AuditLine[] = [];
    const { post } = await start(async (line) => void kept.push(line));
    const answers = [await post('/api/refused'), await post('/api/again'), await post('/api/said')];
    expect(answers.map(({ status }) => status)).toEqual([409, 200, 200]);
    expect(kept).toEqual([]);
  });

  it('a change that cannot be kept › is answered as it was done, and the failure is told', async () => {
    const { post, faults } = await start(() => Promise.reject(new Error('the database is away')));
    const { status, body } = await post('/api/keys', { name: 'x' });
    expect([status, body]).toEqual([200, { id: 'key_1' }]);
    expect(faults).toEqual([new Error('the database is away')]);
  });
});
