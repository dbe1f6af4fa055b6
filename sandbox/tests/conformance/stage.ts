import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Answer, TestNode } from '../support/node.js';
import { KEY } from '../support/node.js';
import { calls } from './recordings.js';

/** Pictures and sounds for media calls, and a 404 for everything else. */
export const startFiles = async () => {
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAVUlEQVR42u3PQREAAAgDoC251a3g34MGNJPJgYCAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgMBlAXq5AbB5lmwAAAAAAElFTkSuQmCC',
    'base64',
  );
  const files: Record<string, [string, Buffer]> = {
    '/pic.png': ['image/png', png],
    '/doc.pdf': ['application/pdf', Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n')],
    '/tone.wav': ['audio/wav', Buffer.from('RIFF0000WAVEfmt ')],
  };
  const server = http.createServer((req, res) => {
    const file = files[req.url ?? ''];
    if (!file) return void res.writeHead(404).end();
    res.writeHead(200, { 'content-type': file[0] }).end(file[1]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, png, stop };
};

/** Numbers with a behaviour of their own in the recordings' fake network, as ours spells them. */
const NUMBERS: [string, string][] = [
  ['5511900000000', '5511900000404'],
  ['5511955552222', '5511955550403'],
];

/** Replays recorded calls, with what differs between the recorded world and the live one replaced, and replaced back. */
export const createStage = (facts: { files: string; hooks: string; base64: string }) => {
  const answers = new Map<string, Answer>();
  const replaced = new Map<string, string>([
    ...NUMBERS,
    ['http://127.0.0.1:58070', facts.hooks],
    ['http://127.0.0.1:58071', facts.files],
    ['<global key>', KEY],
    ['<other key>', 'another key'],
  ]);
  const swap = (text: string, pairs: Iterable<readonly [string, string]>): string => {
    let swapped = text;
    for (const [from, to] of pairs) swapped = swapped.split(from).join(to);
    return swapped;
  };
  const forward = (value: unknown): any => {
    const text = JSON.stringify(value).replace(
      /"(data:[^,"]+,)?[^"]{100,}…<truncated[^"]*"/g,
      (_, prefix = '') => JSON.stringify(`${prefix}${facts.base64}`),
    );
    return JSON.parse(swap(text, replaced));
  };
  const back = (value: unknown): any =>
    JSON.parse(
      swap(
        JSON.stringify(value ?? null),
        [...replaced].map(([from, to]) => [to, from] as const),
      ),
    );

  const ask = async (
    node: TestNode,
    request: NonNullable<ReturnType<typeof calls.get>>['request'],
  ): Promise<Answer> => {
    const { method, path, headers = {}, body, form } = forward(request) as typeof request;
    const { apikey, 'content-type': _type, ...rest } = headers;
    const sent = form ? toForm(form, facts.base64) : typeof body === 'string' ? body : body;
    return node.call(method, path, {
      key: 'headers' in request ? (apikey ?? null) : KEY,
      headers: typeof sent === 'string' ? { ...rest, 'content-type': 'application/json' } : rest,
      ...(sent === undefined ? {} : { body: sent }),
    });
  };
  return {
    answers,
    /** From now on this recorded text stands for that live one. */
    means: (recorded: string, live: string): void => void replaced.set(recorded, live),
    forward,
    back,
    /** Replays labels of one file in turn and keeps the answers. @returns the last answer. */
    play: async (node: TestNode, file: string, ...labels: string[]): Promise<Answer> => {
      let answer: Answer | undefined;
      for (const label of labels) {
        const call = calls.get(`${file}#${label}`);
        if (!call) throw new Error(`no recording: ${file}#${label}`);
        answer = await ask(node, call.request);
        answers.set(`${file}#${label}`, answer);
      }
      return answer!;
    },
    /** Keeps an answer that was had in another way. */
    keep: (key: string, answer: Answer): void => void answers.set(key, answer),
  };
};

export type Stage = ReturnType<typeof createStage>;

const toForm = (fields: Record<string, string>, base64: string): FormData => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'file')
      form.set('file', new Blob([Buffer.from(base64, 'base64')], { type: 'image/png' }), 'pic.png');
    else form.set(name, value);
  }
  return form;
};
