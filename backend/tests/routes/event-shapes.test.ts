import { describe, expect, it } from '@jest/globals';
import { documents } from '../../src/openapi.js';
import { announcements, eventShapes } from '../../src/routes/event-shapes.js';
import { eventFault } from '../support/events.js';

const sent = {
  id: 'evt_01',
  sequence: 42,
  event: 'message.ack',
  createdAt: '2024-01-01T12:00:00.000Z',
  data: {
    phoneId: 1,
    messageId: 99,
    whatsappId: '3EB0',
    to: '+628123456789',
    status: 'read',
    timestamp: '2024-01-01T12:00:00.000Z',
  },
};

describe('the shapes of events', () => {
  it('an event as it should be › held against its shape › has no fault', () => {
    expect(eventFault(JSON.stringify(sent))).toBeNull();
  });

  it.each([
    ['a field too many', { ...sent, data: { ...sent.data, instance: 'x' } }],
    ['a field too few', { ...sent, data: { ...sent.data, to: undefined } }],
    ['a status of another event', { ...sent, data: { ...sent.data, status: 'sent' } }],
    ['a number as text', { ...sent, sequence: '42' }],
    ['an event nobody knows', { ...sent, event: 'message.sung' }],
  ])('%s › held against its shape › is a fault', (_what, event) => {
    expect(eventFault(JSON.stringify(event))).toEqual(expect.any(String));
  });

  it('the OpenAPI document › names every event that webhooks receive, with its schema', () => {
    const document = JSON.parse(documents()['docs/openapi.json']!);
    expect(Object.keys(document.webhooks)).toEqual(announcements.map(({ name }) => name));
    expect(Object.keys(eventShapes).filter((name) => !(name in document.webhooks))).toEqual(['phone.qr']);
    const { schema } = document.webhooks['message'].post.requestBody.content['application/json'];
    expect(schema).toEqual({ $ref: '#/components/schemas/MessageEvent' });
    expect(document.components.schemas.MessageEvent.properties.data.required).toEqual(
      expect.arrayContaining(['phoneId', 'messageId', 'from', 'message', 'timestamp']),
    );
  });
});
