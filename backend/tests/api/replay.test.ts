import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { POSTS, replay, shuffled } from '../support/recorded.js';

describe('recorded posts', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
  });
  afterAll(async () => gateway?.stop());

  it('replayed in recorded order, then in four random ones, one by one and many at once › give the same messages, phones, contacts and groups', async () => {
    expect(POSTS.length).toBeGreaterThan(120);
    const right = await replay(gateway, POSTS);
    expect(right.quarantined).toEqual([]);
    const { messages, contacts, lids, groups, members } = right.truth;
    expect([messages.length, contacts.length, lids.length, groups.length, members.length]).toEqual([
      19, 4, 4, 4, 8,
    ]);
    const names = right.events.map(({ event, data }) => `${event} ${data.whatsappId ?? ''}`).sort();
    for (let seed = 1; seed <= 4; seed += 1) {
      const { truth, events } = await replay(gateway, shuffled(POSTS, seed), seed % 2 === 0 ? 60 : 1);
      expect([seed, truth]).toEqual([seed, right.truth]);
      const told = events.map(({ event, data }) => `${event} ${data.whatsappId ?? ''}`).sort();
      // How a phone came to its status differs, and so does whether words were told before a deletion.
      const of = (all: string[]) => all.filter((name) => !/^(phone|message\.edited)/.test(name));
      expect(of(told)).toEqual(of(names));
    }
  });
});
