import { readFileSync } from 'node:fs';

const folder = new URL('../../recorded/', import.meta.url);

/** One recorded call with its answer. */
export interface RecordedCall {
  readonly label: string;
  readonly request: {
    method: string;
    path: string;
    headers?: Record<string, string>;
    body?: any;
    form?: any;
  };
  readonly response: { status: number; contentType: string | null; body: any };
}

/** One recorded webhook. */
export interface RecordedHook {
  readonly label: string;
  readonly derived?: boolean;
  readonly request: { path?: string; headers?: Record<string, string>; body: any };
}

const read = (name: string): any => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

const index = read('INDEX.json') as {
  operations: Record<string, string[]>;
  webhooks: Record<string, string[]>;
};

/** `message_sendText#plain text` */
export const callKey = (file: string, label: string): string => `${file.replace('.json', '')}#${label}`;

export const calls = new Map<string, RecordedCall>(
  Object.keys(index.operations).flatMap((file) =>
    (read(file) as RecordedCall[]).map((call) => [callKey(file, call.label), call] as const),
  ),
);

/** Webhooks in the order of their files: a label may come several times in one. */
export const hooks: { key: string; event: string; hook: RecordedHook }[] = Object.keys(index.webhooks)
  // One file describes deliveries instead of holding some.
  .filter((file) => !file.startsWith('_'))
  .flatMap((file) => {
    const event = file.replace('.json', '');
    return (read(`webhooks/${file}`) as RecordedHook[]).map((hook, i) => ({
      key: `${event}[${i}] ${hook.label}`,
      event,
      hook,
    }));
  });

export const database = read('database.json') as {
  tables: {
    table: string;
    columns: { column: string; type: string; nullable: boolean; default: string | null }[];
  }[];
  constraints: { table: string; name: string; def: string }[];
  indexes: { index: string; def: string }[];
};
