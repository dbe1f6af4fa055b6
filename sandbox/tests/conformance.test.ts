import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { calls, database, hooks } from './conformance/recordings.js';
import { playScenario } from './conformance/scenario.js';
import { differences, knowledgeOf } from './conformance/shape.js';

/** Recorded calls that the live nodes do not reproduce, each with its reason. */
const CALLS_LEFT_OUT: Record<string, string> = {
  'webhook_find#after create with events omitted':
    'asked within the 20 ms in which a real node still removes the instance: a matter of timing, not of form',
};

/** Recorded webhooks that the live nodes do not reproduce, each with its reason. */
const HOOKS_LEFT_OUT: Record<string, string> = {
  'APPLICATION_STARTUP[0] derived from source': 'real nodes never send it',
  'CONTACTS_SET[0] derived from source': 'real nodes never send it',
  'CHATS_DELETE[0] derived from source': 'was never seen live; no call of the gateway leads to it',
  'ERROR[0] derived from source': 'is sent only with a setting that the nodes run without',
  'GROUP_UPDATE[0] derived from source':
    'real nodes never deliver it: a subscription by that name never matches',
  'LABELS_ASSOCIATION[0] derived from source':
    'labels are not simulated; POST /sandbox/inbound {type: "event"} sends any event',
  'LABELS_EDIT[0] derived from source':
    'labels are not simulated; POST /sandbox/inbound {type: "event"} sends any event',
  'TYPEBOT_CHANGE_STATUS[0] derived from source': 'there is no bot',
  'TYPEBOT_START[0] derived from source': 'there is no bot',
};

let played: Awaited<ReturnType<typeof playScenario>>;
const known = knowledgeOf([
  ...[...calls.values()].map(({ response }) => response.body),
  ...hooks.map(({ hook }) => hook.request?.body),
]);

beforeAll(async () => {
  played = await playScenario();
}, 400_000);
afterAll(() => played?.stop());

const mediaType = (contentType: string | null): string =>
  (contentType ?? '')
    .split(';')
    .map((p) => p.trim())
    .sort()
    .join('; ');

/** Errors of the database name files and lines of the real node: compared up to the query that failed. */
const withoutTrace = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value ?? null).replace(/(Invalid `[^`]+` invocation)(?:[^"\\]|\\.)*/g, '$1'));

it('the recorded scenario › played on live nodes › comes to its end', () => {
  expect(played.failures).toEqual([]);
});

describe('answers › as recorded › the same status, fields and types', () => {
  const labels = [...calls.keys()].filter((key) => !(key in CALLS_LEFT_OUT));
  it.each(labels)('%s', (key) => {
    const { response } = calls.get(key)!;
    const live = played.stage.answers.get(key);
    if (!live) throw new Error('the scenario does not play it');
    expect(live.status).toBe(response.status);
    if (response.contentType) expect(mediaType(live.contentType)).toBe(mediaType(response.contentType));
    const body = played.stage.back(live.body);
    if (response.status >= 400) expect(withoutTrace(body)).toEqual(withoutTrace(response.body));
    else expect(differences(response.body, body, known)).toEqual([]);
  });
});

describe('webhooks › as recorded › the same envelope, headers, fields and types', () => {
  const recorded = hooks.filter(({ key }) => !(key in HOOKS_LEFT_OUT));
  it.each(recorded.map(({ key }) => key))('%s', (key) => {
    const { hook } = hooks.find((other) => other.key === key)!;
    const { body, path } = hook.request;
    const candidates = played.world.receiver.all.filter(
      (live) => live.body.event === body.event && live.body.instance === body.instance,
    );
    const attempts = candidates.map((live) => {
      const names = Object.keys(hook.request.headers ?? {}).filter((name) => !(name in live.headers));
      return [
        ...(path && live.path !== path ? [`path: recorded ${path}, live ${live.path}`] : []),
        ...names.map((name) => `header ${name}: missing`),
        ...differences(body, played.stage.back(live.body), known),
      ];
    });
    const closest = attempts.sort((a, b) => a.length - b.length)[0] ?? ['no such webhook was sent'];
    expect(closest).toEqual([]);
  });
});

describe('the lists of what is left out › against the recordings › name only what exists', () => {
  it('calls', () => {
    expect(Object.keys(CALLS_LEFT_OUT).filter((key) => !calls.has(key))).toEqual([]);
  });
  it('webhooks', () => {
    const known = new Set(hooks.map(({ key }) => key));
    expect(Object.keys(HOOKS_LEFT_OUT).filter((key) => !known.has(key))).toEqual([]);
  });
});

describe("the nodes' tables › made by a node › are those of the recording", () => {
  it.each(database.tables.map(({ table }) => table))('%s', async (table) => {
    const columns = await played.world.database.query(
      `select column_name as "column", is_nullable = 'YES' as nullable, format_type(a.atttypid, a.atttypmod) as type
       from information_schema.columns c join pg_attribute a on a.attrelid = to_regclass(quote_ident($1)) and a.attname = c.column_name
       where c.table_schema = 'public' and c.table_name = $1 order by c.ordinal_position`,
      [table],
    );
    const recorded = database.tables.find((other) => other.table === table)!.columns;
    const plain = recorded.map(({ column, nullable, type }) => ({ column, nullable, type }));
    expect(columns.map((c) => ({ ...c, type: c.type.replace(/"/g, '') }))).toEqual(plain);
  });

  it('constraints and indexes', async () => {
    const constraints = await played.world.database.query(`select conname as name from pg_constraint`);
    const indexes = await played.world.database.query(`select indexname as name from pg_indexes`);
    const have = new Set([...constraints, ...indexes].map(({ name }) => name));
    // The table it points to is not in the recording.
    const wanted = database.constraints
      .map(({ name }) => name)
      .filter((name) => name !== 'Message_sessionId_fkey');
    expect(
      [...wanted, ...database.indexes.map(({ index }) => index)].filter((name) => !have.has(name)),
    ).toEqual([]);
  });
});
