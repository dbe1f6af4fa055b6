import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { sentIdOf } from '../../src/clients/evolution.decode.js';
import { nodeErrorOf } from '../../src/clients/evolution.error.js';
import { classify } from '../../src/services/answer.js';
import type { Look, SendAnswer } from '../../src/clients/evolution.client.js';

const recorded = (file: string): any[] =>
  JSON.parse(readFileSync(new URL(`../../../sandbox/recorded/${file}`, import.meta.url), 'utf8'));
const answerOf = ({ status, body }: { status: number; body: unknown }): SendAnswer => {
  const whatsappId = status < 300 ? sentIdOf(body) : null;
  return whatsappId
    ? { kind: 'accepted', whatsappId, key: null }
    : { kind: 'refused', error: nodeErrorOf(status, body) };
};
const state = (value: 'open' | 'connecting' | 'close' | null) => async (): Promise<Look<any>> => ({
  kind: 'ok',
  value,
});
const never = async (): Promise<Look<any>> => {
  throw new Error('the state was asked for needlessly');
};

describe('what an answer of a node means', () => {
  const sends = recorded('message_sendText.json');
  const find = (label: string) => {
    const entry = sends.find((e) => e.label === label);
    if (!entry) throw new Error(`no recording "${label}"`);
    return answerOf(entry.response);
  };

  it.each([
    ['plain text', 'sent'],
    ['number not on WhatsApp', 'failed'],
    ['missing text', 'failed'],
    ['wrong apikey', 'not_sent'],
    ['unknown instance', 'not_sent'],
    ['instance logged out', 'not_sent'],
    ['instance logged out, number not in cache', 'not_sent'],
    ['paired instance, WhatsApp unreachable (socket lost), number cached', 'not_sent'],
    ['to an unknown group', 'unknown'],
  ])('recorded: %s › on a phone that was open › %s', async (label, expected) => {
    expect(await classify(find(label), true, never)).toMatchObject({ class: expected });
  });

  it('recorded: database away › it names the look-up before the send › not_sent', async () => {
    const entry = recorded('backend_down.json').find((e) => e.label === 'Postgres down: sendText');
    expect(await classify(answerOf(entry.response), true, never)).toMatchObject({ class: 'not_sent' });
  });

  it('recorded: its own insert failed › 4xx after the message reached WhatsApp › unknown', async () => {
    const entry = recorded('multinode.json').find(
      (e) => e.label === 'afterwards on node1 (holder): sendText',
    );
    expect(await classify(answerOf(entry.response), true, never)).toMatchObject({ class: 'unknown' });
  });

  it.each([
    ['close', 'not_sent'],
    ['connecting', 'not_sent'],
    [null, 'not_sent'],
    ['open', 'unknown'],
  ] as const)('recorded: TypeError › the node says at once it is %s › %s', async (now, expected) => {
    expect(await classify(find('instance closed, never connected'), true, state(now))).toMatchObject({
      class: expected,
    });
  });

  it('recorded: 201 › the placement was never open › not_sent, a false success', async () => {
    const label = 'instance connecting, a pairing code was requested (never paired)';
    expect(await classify(find(label), false, never)).toMatchObject({ class: 'not_sent' });
  });

  it('connection › never came up › not_sent', async () => {
    expect(await classify({ kind: 'not_connected', cause: 'ECONNREFUSED' }, true, never)).toMatchObject({
      class: 'not_sent',
    });
  });

  it('connection › lost after it came up › unknown', async () => {
    expect(await classify({ kind: 'lost', cause: 'ECONNRESET' }, true, never)).toMatchObject({
      class: 'unknown',
      reason: 'answer_lost',
    });
  });
});
