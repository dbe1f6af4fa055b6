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

  const other = (file: string, label: string) => {
    const entry = recorded(`message_${file}.json`).find((e) => e.label === label);
    if (!entry) throw new Error(`no recording ${file} "${label}"`);
    return answerOf(entry.response);
  };

  it.each([
    ['sendMedia', 'image by url', 'sent', null],
    ['sendMedia', 'image by base64', 'sent', null],
    ['sendMedia', 'document by url', 'sent', null],
    ['sendMedia', 'data: URL prefix', 'failed', 'media_refused'],
    ['sendMedia', 'url answers 404', 'failed', 'media_refused'],
    ['sendMedia', 'media neither url nor base64', 'failed', 'media_refused'],
    ['sendMedia', 'base64 document without fileName', 'failed', 'media_refused'],
    ['sendMedia', 'invalid mediatype', 'failed', 'refused_by_node'],
    ['sendMedia', 'instance logged out', 'not_sent', null],
    ['sendPtv', 'bad media', 'failed', 'media_refused'],
    ['sendSticker', 'url', 'sent', null],
    ['sendWhatsAppAudio', 'url (ffmpeg converts)', 'sent', null],
    ['sendLocation', 'ok', 'sent', null],
    ['sendLocation', 'missing name/address', 'failed', 'refused_by_node'],
    ['sendContact', 'ok', 'sent', null],
    ['sendContact', 'empty list', 'failed', 'refused_by_node'],
    ['sendPoll', 'ok', 'sent', null],
    ['sendPoll', 'one option only', 'failed', 'refused_by_node'],
    ['sendReaction', 'ok', 'sent', null],
    ['sendReaction', 'remove (empty)', 'sent', null],
    ['sendReaction', 'not an emoji', 'failed', 'refused_by_node'],
    ['sendButtons', 'reply buttons', 'sent', null],
    ['sendStatus', 'text', 'sent', null],
    ['sendList', 'ok', 'failed', 'type_not_supported'],
    ['sendText', 'empty text', 'failed', 'refused_by_node'],
  ])('recorded: %s %s › on a phone that was open › %s %s', async (file, label, expected, reason) => {
    expect(await classify(other(file, label), true, never)).toMatchObject({
      class: expected,
      ...(reason ? { reason } : {}),
    });
  });

  it('recorded: a call that is not there › as a version without that type answers › failed, not retried', async () => {
    const entry = recorded('errors_generic.json').find((e) => e.label === 'no instanceName in path');
    expect(await classify(answerOf(entry.response), true, never)).toMatchObject({
      class: 'failed',
      reason: 'type_not_supported',
    });
  });

  it('a file that the node could not fetch for the moment › nothing left › not_sent', async () => {
    const body = { status: 500, error: 'x', response: { message: ['AxiosError: connect ECONNREFUSED'] } };
    expect(await classify(answerOf({ status: 500, body }), true, never)).toMatchObject({ class: 'not_sent' });
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
