import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { announcements, eventShapes } from '../../src/routes/event-shapes.js';
import { openapi } from '../../src/utils/openapi.js';
import { noteInFile } from './conformance.js';
import type { TestDatabase } from './database.js';

/** Of a longer ledger the newest are looked at. */
const LOOKED_AT = 20_000;

let published: Map<string, ValidateFunction> | undefined;

/** The schemas as the OpenAPI document publishes them. */
function compiled(): Map<string, ValidateFunction> {
  if (published) return published;
  const document = openapi([], { version: '0', announcements }) as any;
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  published = new Map(
    Object.entries<any>(document.webhooks).map(([name, { post }]) => {
      const { schema } = post.requestBody.content['application/json'];
      return [name, ajv.compile({ ...schema, components: document.components })];
    }),
  );
  return published;
}

/** What is wrong with an event as it was written into the ledger; null when nothing is. */
export function eventFault(text: string): string | null {
  const event = JSON.parse(text);
  const shape = eventShapes[event.event];
  if (!shape) return `no such event: ${event.event}`;
  const { error } = shape.validate(event, { convert: false, abortEarly: false });
  if (error) return `${event.event}: ${error.message}`;
  const check = compiled().get(event.event);
  return check && !check(event) ? `${event.event}, as published: ${JSON.stringify(check.errors)}` : null;
}

/** Holds every event that a test left in its ledger against its schema; throws when one departs from it. */
export async function expectConformingEvents(database: TestDatabase): Promise<void> {
  const rows = await database
    .queryAll<{ body: string }>(`select body from events order by created_at desc limit ${LOOKED_AT}`)
    // A test may have left it without its database.
    .catch(() => []);
  const faults = [...new Set(rows.flatMap(({ body }) => eventFault(body) ?? []))];
  for (const fault of faults) noteInFile('fault', `an event departs from its schema: ${fault}`);
  if (faults.length > 0) throw new Error(`Events depart from their schemas:\n${faults.join('\n')}`);
}
