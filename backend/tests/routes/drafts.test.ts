import { describe, expect, it } from '@jest/globals';
import type Joi from 'joi';
import { draftBody } from '../../src/routes/drafts.js';
import { id } from '../../src/routes/shapes.js';

const schema = draftBody<Record<string, unknown>>({ phoneId: id.required() }, {});
const check = (draft: object) =>
  (schema as Joi.ObjectSchema).validate(
    { phoneId: 1, to: '+628987654321', ...draft },
    { convert: false, abortEarly: false, errors: { label: 'path', wrap: { label: false } } },
  );
const faults = (draft: object) =>
  (check(draft).error?.details ?? []).map(({ path, message }) => [path.join('/'), message]);

const options = (count: number) => Array.from({ length: count }, (_, i) => `option ${i}`);
const poll = (count: number, more = {}) => ({
  type: 'poll',
  poll: { name: 'Q', options: options(count), ...more },
});
const place = (latitude: unknown, longitude: unknown) => ({
  type: 'location',
  location: { latitude, longitude },
});
const sections = [{ rows: [{ id: 'r', title: 'Row' }] }];
const button = (item: object) => ({ type: 'buttons', buttons: { title: 'T', items: [item] } });

describe('a draft', () => {
  it.each([
    [{ message: 'x' }],
    [{ message: 'x'.repeat(65_536) }],
    [{ message: 'x', quotedMessageId: 1, mentions: ['+628987654321', 'lid:12345678'], linkPreview: false }],
    [{ message: 'x', to: 'group:120363033523333101', mentionAll: true }],
    [{ message: 'x', presence: { state: 'typing', durationMs: 10_000 } }],
    [place(-90, 180)],
    [place(90, -180)],
    [poll(2)],
    [poll(12, { selectableCount: 12 })],
    [poll(3, { selectableCount: 0 })],
    [{ type: 'contact', contacts: [{ name: 'A', phoneNumber: '+62 811 1111 1111' }] }],
    [{ type: 'list', list: { title: 'T', buttonText: 'B', sections } }],
    [button({ type: 'reply', text: 'Yes', id: 'y' })],
    [{ type: 'reaction', reaction: { messageId: 1, emoji: '' } }],
    [{ type: 'reaction', to: undefined, reaction: { messageId: 1, emoji: '👨‍👩‍👧' } }],
    [{ type: 'status', to: undefined, message: 'x', statusPost: { recipients: ['+628987654321'] } }],
  ])('%j › validated › is taken', (draft) => {
    expect(faults(draft)).toEqual([]);
  });

  it.each([
    ['nothing to say', {}, 'message', 'required in a message of type text'],
    ['empty text', { message: '' }, 'message', 'empty'],
    ['70 000 characters', { message: 'x'.repeat(70_000) }, 'message', '65536'],
    ['nobody to say it to', { to: undefined, message: 'x' }, 'to', 'required'],
    ['a type that is none', { type: 'fax', message: 'x' }, 'type', 'must be one of'],
    ['a location beyond the pole', place(90.0001, 0), 'location/latitude', '90'],
    ['a location round the world', place(0, -180.1), 'location/longitude', '-180'],
    ['a location in words', place('north', 0), 'location/latitude', 'number'],
    ['a location that is none', place(null, 0), 'location/latitude', 'number'],
    ['no location', { type: 'location' }, 'location', 'required'],
    ['a poll with one option', poll(1), 'poll/options', 'at least 2'],
    ['a poll with thirteen options', poll(13), 'poll/options', '12'],
    ['a poll with the same twice', poll(0, { options: ['a', 'a'] }), 'poll/options/1', 'duplicate'],
    [
      'a poll with more choices than options',
      poll(2, { selectableCount: 3 }),
      'poll/selectableCount',
      'options',
    ],
    ['a poll with half a choice', poll(2, { selectableCount: 0.5 }), 'poll/selectableCount', 'integer'],
    ['a poll beside a text', { ...poll(2), message: 'x' }, 'message', 'does not go with'],
    [
      'a text with a location',
      { ...place(0, 0), type: 'text', message: 'x' },
      'location',
      'does not go with',
    ],
    ['no contacts', { type: 'contact', contacts: [] }, 'contacts', 'at least 1'],
    [
      'a contact without a number',
      { type: 'contact', contacts: [{ name: 'A', phoneNumber: 'none' }] },
      'contacts/0/phoneNumber',
      'phone number',
    ],
    [
      'a list without rows',
      { type: 'list', list: { title: 'T', buttonText: 'B', sections: [] } },
      'list/sections',
      '1',
    ],
    [
      'a button without what it needs',
      button({ type: 'url', text: 'See' }),
      'buttons/items/0/url',
      'required',
    ],
    [
      'buttons by the dozen',
      {
        type: 'buttons',
        buttons: { title: 'T', items: Array(4).fill({ type: 'reply', text: 'Y', id: 'y' }) },
      },
      'buttons/items',
      '3',
    ],
    [
      'a reaction in words',
      { type: 'reaction', reaction: { messageId: 1, emoji: 'nice' } },
      'reaction/emoji',
      'one emoji',
    ],
    [
      'a reaction of two',
      { type: 'reaction', reaction: { messageId: 1, emoji: '👍👍' } },
      'reaction/emoji',
      'one emoji',
    ],
    [
      'a reaction to nothing',
      { type: 'reaction', reaction: { emoji: '👍' } },
      'reaction/messageId',
      'required',
    ],
    [
      'a quoting reaction',
      { type: 'reaction', reaction: { messageId: 1, emoji: '👍' }, quotedMessageId: 2 },
      'quotedMessageId',
      'does not go with',
    ],
    ['a status to somebody', { type: 'status', message: 'x' }, 'to', 'does not go with'],
    [
      'a colour that is none',
      { type: 'status', to: undefined, message: 'x', statusPost: { backgroundColor: 'red' } },
      'statusPost/backgroundColor',
      'pattern',
    ],
    ['all of a chat of two', { message: 'x', mentionAll: true }, 'mentionAll', 'groups'],
    [
      'typing for a minute',
      { message: 'x', presence: { state: 'typing', durationMs: 60_000 } },
      'presence/durationMs',
      '10000',
    ],
    [
      'a presence that is none',
      { message: 'x', presence: { state: 'dancing', durationMs: 1 } },
      'presence/state',
      'must be one of',
    ],
    ['an unknown field', { message: 'x', colour: 'red' }, 'colour', 'not allowed'],
    [
      'an unknown field inside',
      { type: 'location', location: { latitude: 0, longitude: 0, planet: 'Mars' } },
      'location/planet',
      'not allowed',
    ],
  ])('%s › validated › the field is named', (_what, draft, path, words) => {
    expect(faults(draft)).toContainEqual([path, expect.stringContaining(words)]);
  });

  it.each([
    ['Indonesia', '+62812'],
    ['Brazil', '+55119'],
    ['India', '+91 12345'],
    ['United States', '+1 555 01'],
    ['Germany', '+49 1'],
    ['Nigeria', '+234 80'],
    ['Mexico', '+52 55 1234'],
    ['Japan', '+81 90'],
    ['South Africa', '+27 82 1'],
    ['France', '+33 6 12 34 5'],
    ['nowhere', '+999 123 456 789'],
  ])('a number that %s does not have › validated › the field is named', (_country, to) => {
    expect(faults({ message: 'x', to })).toEqual([['to', expect.stringContaining('phone number')]]);
  });

  it.each([
    ['+55 11 98888-7777', '+5511988887777'],
    ['+55 11 8888-7777', '+5511988887777'],
    ['+55 11 3888-7777', '+551138887777'],
    ['+521 55 1234 5678', '+525512345678'],
    ['+62 812-3456-789', '+628123456789'],
  ])('%s › validated › is %s', (to, one) => {
    expect(check({ message: 'x', to }).value).toMatchObject({ to: one });
  });
});
