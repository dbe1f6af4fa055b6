import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/config/logger.js';
import { createApiKey } from '../../src/utils/api-key.js';
import { until } from '../support/until.js';

describe('the log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  const file = join(folder, 'gateway.log');
  const logger = createLogger({ level: 'info', file, silent: true });
  afterAll(() => {
    logger.close();
    rmSync(folder, { recursive: true });
  });

  const written = async (event: string, fields: Record<string, unknown>) => {
    logger.info(event, fields);
    const line = await until(
      'it is written',
      () =>
        readFileSync(file, 'utf8')
          .split('\n')
          .find((text) => text.includes(event)) ?? null,
    );
    return JSON.parse(line) as Record<string, unknown>;
  };

  it('secrets by their field’s name › at any depth, in lists › are taken out, the rest stays', async () => {
    const line = await written('named', {
      userId: 7,
      password: 'hunter2hunter2',
      body: {
        currentPassword: 'p1',
        webhookSecret: 's1',
        list: [{ refreshToken: 't1', name: 'kept' }],
        code: '123456',
      },
      token: null,
    });
    expect(line).toMatchObject({
      userId: 7,
      password: '[redacted]',
      body: {
        currentPassword: '[redacted]',
        webhookSecret: '[redacted]',
        list: [{ refreshToken: '[redacted]', name: 'kept' }],
        code: '[redacted]',
      },
      token: null,
    });
  });

  it('secrets by their shape › inside of texts and of errors with causes › are taken out', async () => {
    const { key } = createApiKey();
    const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
    const error = new Error(`refused ${key}`, { cause: new Error('with whsec_c2VjcmV0c2VjcmV0') });
    const line = JSON.stringify(
      await written('shaped', { url: `/x?t=${jwt}`, header: 'Bearer abcdef', error }),
    );
    for (const secret of [key, jwt, 'abcdef', 'whsec_c2VjcmV0c2VjcmV0']) expect(line).not.toContain(secret);
    expect(line).toContain('refused [redacted]');
  });

  it('regression › deeper than it looks › left out whole', async () => {
    let value: object = { password: 'so deep down' };
    for (let i = 0; i < 10; i += 1) value = { value };
    expect(JSON.stringify(await written('deep', value as Record<string, unknown>))).not.toContain(
      'so deep down',
    );
  });
});
