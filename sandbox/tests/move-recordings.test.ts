import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { calls } from './conformance/recordings.js';
import { differences, knowledgeOf } from './conformance/shape.js';
import { startWorld, type TestNode, type World } from './support/node.js';
import { until } from './support/until.js';

/** One recorded step of a move: a call with its answer, or what was done to the database and Redis, with what it gave. */
interface Step {
  label: string;
  request?: { method: string; node: 'source' | 'target'; path: string; body?: Record<string, unknown> };
  response?: { status: number; body: any };
  value?: any;
}

const recordingOf = (name: string): Step[] =>
  (
    JSON.parse(readFileSync(new URL(`../recorded/${name}.json`, import.meta.url), 'utf8')) as {
      steps: Step[];
    }
  ).steps;

const CUSTOMER = '5511988887777';
const NOBODY = 'nobody';
/** What is there for as long as the ones that are looked at; a moment later it is otherwise. */
const MOMENTARY = /^(source state|session row recreated by source)$/;

/** How many rows of history there are is a matter of what was said before. */
const EXACT = /^(delete target|move Session|fence|rename)/;
/** A node answers a delete before its rows are gone. */
const SOON = /^rows left/;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

describe.each([
  ['move_live', 'mv1'],
  ['move_after_kill', 'mv2'],
])('the recorded steps of %s', (name, from) => {
  const steps = recordingOf(name);
  const to = `${from}.2`;
  const known = knowledgeOf([
    ...steps.map(({ response }) => response?.body),
    ...[...calls.values()].map(({ response }) => response.body),
  ]);
  const query = (sql: string, values: unknown[] = []): Promise<any[]> => world.database.query(sql, values);
  const idOf = async (instance: string): Promise<string> =>
    (await query('select id from "Instance" where name = $1', [instance]))[0]?.id;
  const count = async (sql: string, values: unknown[]): Promise<number> =>
    (await query(`with done as (${sql} returning 1) select count(*)::int as n from done`, values))[0].n;
  const redis = async <T>(work: (client: Redis) => Promise<T>): Promise<T> => {
    const client = new Redis(world.redis.url);
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  };
  const keysOf = (id: string): string => `evolution:instance:${id}`;

  /** What each step that is no call does, by its label. A label that is not here fails the test. */
  const DEEDS: Record<string, (ids: { old: string; fresh: string }) => Promise<unknown>> = {
    'delete target Session row': ({ fresh }) =>
      count('delete from "Session" where "sessionId" = $1', [fresh]),
    'move Session row': ({ old, fresh }) =>
      count('update "Session" set "sessionId" = $2 where "sessionId" = $1', [old, fresh]),
    ...Object.fromEntries(
      ['Message', 'Contact', 'Chat', 'MessageUpdate', 'Media', 'Label'].map((table) => [
        `move ${table}`,
        ({ old, fresh }: { old: string; fresh: string }) =>
          count(`update "${table}" set "instanceId" = $2 where "instanceId" = $1`, [old, fresh]),
      ]),
    ),
    fence: ({ old }) => count('update "Instance" set "clientName" = $2 where id = $1', [old, NOBODY]),
    'session row recreated by source': ({ old }) =>
      query('select 1 from "Session" where "sessionId" = $1', [old]),
    'redis hash before: source fields': ({ old }) => redis((client) => client.hlen(keysOf(old))),
    'redis hash before: target fields': ({ fresh }) => redis((client) => client.hlen(keysOf(fresh))),
    rename: ({ old, fresh }) => redis((client) => client.rename(keysOf(old), keysOf(fresh))),
    'open on target after ms': async () => 0,
    'rows left for old id': async ({ old }) => ({
      s: (await query('select 1 from "Session" where "sessionId" = $1', [old])).length,
      i: (await query('select 1 from "Instance" where id = $1', [old])).length,
    }),
  };

  it('played on two nodes › every answer has the recorded status, fields and words', async () => {
    const source = await world.node(`${name}-a`);
    const target = await world.node(`${name}-b`);
    await world.pair(source, from);
    expect((await source.text(from, CUSTOMER, 'before the move')).status).toBe(201);
    if (name === 'move_after_kill') await source.kill();
    const nodes: Record<'source' | 'target', TestNode> = { source, target };
    const old = await idOf(from);
    let fresh = '';

    const faults: string[] = [];
    for (const step of steps) {
      const { label, request, response, value } = step;
      if (!request || !response) {
        const deed = DEEDS[label];
        if (!deed) throw new Error(`nothing is known of the step "${label}"`);
        if (SOON.test(label))
          await until(
            label,
            async () => JSON.stringify(await deed({ old, fresh })) === JSON.stringify(value),
          );
        const done = await deed({ old, fresh });
        if (EXACT.test(label)) expect([label, done]).toEqual([label, value]);
        else if (/^redis hash/.test(label)) expect([label, Number(done) > 0]).toEqual([label, value > 0]);
        continue;
      }
      const ask = () => nodes[request.node].call(request.method, request.path, { body: request.body });
      let live = await ask();
      const compare = () => [
        ...(live.status === response.status ? [] : [`status ${live.status}, recorded ${response.status}`]),
        ...differences(response.body, live.body, known),
      ];
      // A state is reached when it is reached.
      if (request.path.startsWith('/instance/connectionState/'))
        await until(label, async () => {
          live = await ask();
          return MOMENTARY.test(label) || compare().length === 0;
        });
      if (label.startsWith('create on target')) fresh = await idOf(to);
      if (!MOMENTARY.test(label)) faults.push(...compare().map((fault) => `${label}: ${fault}`));
    }
    expect(faults).toEqual([]);
    expect(fresh).not.toBe('');
    expect(await target.state(to)).toBe('open');
  });
});
