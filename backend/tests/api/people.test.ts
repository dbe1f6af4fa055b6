import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newNumber, newPhone, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

/** A JPEG as far as anybody looks: WhatsApp is simulated. */
const JPEG = Buffer.from(
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=',
  'base64',
);

describe('the people and groups of a phone', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  let phone: { id: number; phoneNumber: string };
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list(), CHECKS_PER_MINUTE: '6' } });
    user = await newUser(gateway.url);
    phone = await newPhone(user);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const digits = (number: string) => number.slice(1);
  const rowOf = async ({ id }: { id: number }) => {
    const [{ placement }] = (await gateway.database.queryAll<{ placement: string }>(
      'select id as placement from placements where phone_id = $1 and ended_at is null',
      [id],
    )) as [{ placement: string }];
    const [row] = await nodes.call(`/instance/fetchInstances?instanceName=${placement}`);
    return { placement, row };
  };
  const hearFrom = (from: string, name: string, to = phone.phoneNumber) =>
    nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: { to: digits(to), from: digits(from), pushName: name, text: 'hello' },
    });
  const upload = async () => {
    const { status, body } = await user.api.post('/api/media', { media: JPEG.toString('base64') });
    expect(status).toBe(201);
    return body.id as number;
  };
  const at = (path: string) => `/api/phones/${phone.id}${path}`;
  const patch = (path: string, body: unknown) => user.api.call('PATCH', at(path), body);

  describe('contacts', () => {
    it('whoever wrote › is listed by number, page by page, and found by name or number', async () => {
      const own = await newPhone(user);
      const people = ['+628980000101', '+628980000102', '+628980000103'];
      for (const [i, one] of people.entries()) await hearFrom(one, `Customer ${i}`, own.phoneNumber);
      const list = async (query = '') => (await user.api.get(`/api/phones/${own.id}/contacts${query}`)).body;
      await until('all are known', async () => (await list()).data.length === 3);
      const first = await list('?limit=2');
      expect(first.data.map((one: any) => [one.contact, one.name])).toEqual([
        [people[0], 'Customer 0'],
        [people[1], 'Customer 1'],
      ]);
      expect(first.hasMore).toBe(true);
      const rest = await list(`?limit=2&cursor=${first.nextCursor}`);
      expect(rest.data.map((one: any) => one.contact)).toEqual([people[2]]);
      expect((await list('?search=customer%201')).data).toHaveLength(1);
      expect((await list('?search=0103')).data).toHaveLength(1);
      expect((await list('?search=%25')).data).toHaveLength(0);
      const bad = await user.api.get(`/api/phones/${own.id}/contacts?cursor=nonsense`);
      expect([bad.status, bad.body.errors[0].pointer]).toEqual([400, '/query/cursor']);
    });

    it('a profile picture › is found; blocked and unblocked › by the node', async () => {
      const { body } = await user.api.get(at(`/picture?of=${encodeURIComponent('+628981112222')}`));
      expect(body).toEqual({ of: '+628981112222', pictureUrl: expect.stringMatching(/^https:/) });
      const blocked = await user.api.post(at('/block'), { contact: '+628981112222' });
      expect([blocked.status, blocked.body]).toEqual([200, { contact: '+628981112222', isBlocked: true }]);
      const free = await user.api.post(at('/unblock'), { contact: '+628981112222' });
      expect(free.body.isBlocked).toBe(false);
      const bad = await user.api.post(at('/block'), { contact: 'somebody' });
      expect([bad.status, bad.body.errors[0].pointer]).toEqual([400, '/contact']);
    });
  });

  describe('which numbers are on WhatsApp', () => {
    it('asked › answered in their order; asked again › from what is known, also beyond the limit', async () => {
      const own = await newPhone(user);
      const check = (numbers: string[]) => user.api.post(`/api/phones/${own.id}/check`, { numbers });
      const { status, body } = await check(['+628981120404', '+628981112222']);
      expect(status).toBe(200);
      expect(body.data.map((one: any) => [one.number, one.isOnWhatsapp])).toEqual([
        ['+628981120404', false],
        ['+628981112222', true],
      ]);
      const many = ['+628981113001', '+628981113002', '+628981113003', '+628981113004', '+628981113005'];
      const refused = await check(many);
      expect([refused.status, refused.body.code]).toEqual([429, 'too_many_requests']);
      expect(refused.headers.get('retry-after')).toBe('60');
      expect((await check(many.slice(0, 4))).status).toBe(200);
      const again = await check(['+628981112222', '+628981120404']);
      expect([again.status, again.body.data[0].checkedAt]).toEqual([200, body.data[1].checkedAt]);
    });

    it('of another user › not from what this one was told', async () => {
      const other = await newUser(gateway.url);
      const theirs = await newPhone(other);
      await nodes.call('/sandbox/faults', {
        method: 'POST',
        body: { status: 500, calls: ['/chat/whatsappNumbers'] },
      });
      const { status, body } = await other.api.post(`/api/phones/${theirs.id}/check`, {
        numbers: ['+628981112222'],
      });
      await nodes.call('/sandbox/faults', { method: 'DELETE' });
      expect([status, body.code]).toEqual([503, 'unavailable']);
    });

    it.each([
      ['no number', { numbers: ['abc'] }, '/numbers/0'],
      ['none', { numbers: [] }, '/numbers'],
      ['twice the same', { numbers: ['+628981112222', '+62 898 1112222'] }, '/numbers/1'],
      ['51 of them', { numbers: Array.from({ length: 51 }, (_, i) => `+6289811${10000 + i}`) }, '/numbers'],
    ])('%s › 400 that names it', async (_what, body, pointer) => {
      const answer = await user.api.post(at('/check'), body);
      expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, pointer]);
    });
  });

  describe('groups', () => {
    it('created › with those who may be added; changed, left, and joined again by its link', async () => {
      const friend = '+628981117777';
      const made = await user.api.post(at('/groups'), {
        subject: 'Customers',
        description: 'of ours',
        participants: [friend, '+628981120404'],
      });
      expect(made.status).toBe(201);
      const { group } = made.body;
      expect(group).toMatch(/^group:\d+$/);
      const roles = (body: any) =>
        Object.fromEntries(body.participants.map((one: any) => [one.participant, one.role]));
      expect(roles(made.body)).toEqual({ [phone.phoneNumber]: 'owner', [friend]: 'member' });
      const of = (path = '') => at(`/groups/${group}${path}`);

      const outcomes = await user.api.post(of('/participants'), {
        action: 'add',
        participants: ['+628981118888', friend, '+628981120404', '+628981120403'],
      });
      expect(outcomes.body.data).toEqual([
        { participant: '+628981118888', outcome: 'done' },
        { participant: friend, outcome: 'member_already' },
        { participant: '+628981120404', outcome: 'not_found' },
        { participant: '+628981120403', outcome: 'not_allowed' },
      ]);
      await user.api.post(of('/participants'), { action: 'promote', participants: [friend] });
      await user.api.post(of('/participants'), { action: 'remove', participants: ['+628981118888'] });

      const changed = await user.api.call('PATCH', of(), {
        subject: 'Good customers',
        onlyAdminsSend: true,
        pictureMediaId: await upload(),
      });
      expect([changed.status, changed.body.subject, changed.body.onlyAdminsSend]).toEqual([
        200,
        'Good customers',
        true,
      ]);
      expect(roles(changed.body)).toEqual({ [phone.phoneNumber]: 'owner', [friend]: 'admin' });
      const listed = (await user.api.get(at('/groups?search=good'))).body.data;
      expect(listed).toEqual([expect.objectContaining({ group, subject: 'Good customers', members: 2 })]);

      const invite = (await user.api.get(of('/invite'))).body;
      expect(invite.url).toBe(`https://chat.whatsapp.com/${invite.code}`);
      const other = await newPhone(user);
      const joined = await user.api.post(`/api/phones/${other.id}/groups/join`, { invite: invite.url });
      expect([joined.status, joined.body.group]).toEqual([200, group]);
      const renewed = (await user.api.post(of('/invite'))).body;
      expect(renewed.code).not.toBe(invite.code);
      const late = await user.api.post(`/api/phones/${other.id}/groups/join`, { invite: invite.code });
      expect([late.status, late.body.code]).toEqual([404, 'not_found']);

      expect((await user.api.call('DELETE', of())).status).toBe(204);
      await until('it is listed no more', async () => {
        const { data } = (await user.api.get(at('/groups'))).body;
        return !data.some((one: any) => one.group === group);
      });
    });

    it('in which the phone was before it came here › is listed', async () => {
      const own = await newPhone(user);
      const answer = await nodes.call('/sandbox/inbound', {
        method: 'POST',
        body: { to: digits(own.phoneNumber), from: '628980000777', type: 'group', text: 'Old friends' },
      });
      expect(answer.id).toBeDefined();
      await gateway.database.queryAll(`delete from groups where phone_id = ${own.id}`);
      const { data } = (await user.api.get(`/api/phones/${own.id}/groups`)).body;
      expect(data.map((one: any) => one.subject)).toEqual(['Old friends']);
    });

    it.each([
      ['an unknown group', 'GET', '/groups/group:120363000000000000', undefined, 404, 'not_found'],
      ['a name that is no group', 'GET', '/groups/friends', undefined, 400, 'invalid_request'],
      ['without a subject', 'POST', '/groups', { participants: ['+628981117777'] }, 400, 'invalid_request'],
      ['nobody in it', 'POST', '/groups', { subject: 'x', participants: [] }, 400, 'invalid_request'],
      ['an invite that is none', 'POST', '/groups/join', { invite: 'x' }, 400, 'invalid_request'],
      ['nothing to change', 'PATCH', '/groups/group:120363000000000000', {}, 400, 'invalid_request'],
    ])('%s › is refused', async (_what, method, path, body, status, code) => {
      const answer = await user.api.call(method, at(path), body);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    });

    it('of a phone that is not connected › what is known is read, nothing is changed', async () => {
      const { body: added } = await user.api.post('/api/phones', { phoneNumber: newNumber() });
      await user.api.post(`/api/phones/${added.id}/logout`);
      expect((await user.api.get(`/api/phones/${added.id}/groups`)).body.data).toEqual([]);
      const made = await user.api.post(`/api/phones/${added.id}/groups`, {
        subject: 'x',
        participants: ['+628981117777'],
      });
      expect([made.status, made.body.code]).toEqual([409, 'phone_offline']);
    });
  });

  describe('how it shows itself', () => {
    it('name, about and picture › are what its node has; the picture is taken away', async () => {
      const own = await newPhone(user);
      const change = (body: unknown) => user.api.call('PATCH', `/api/phones/${own.id}/profile`, body);
      const { status } = await change({
        name: 'My Shop',
        about: 'Open from 9 to 5',
        pictureMediaId: await upload(),
      });
      expect(status).toBe(204);
      expect((await rowOf(own)).row).toMatchObject({
        profileName: 'My Shop',
        profilePicUrl: expect.stringContaining(`v=${JPEG.toString('base64').length}`),
      });
      expect((await change({ pictureMediaId: null })).status).toBe(204);
      expect((await rowOf(own)).row.profilePicUrl).toBe('');
    });

    it('a picture that is none, or nobody’s › refused, the field named', async () => {
      const { body: text } = await user.api.post('/api/media', { media: 'aGVsbG8=' });
      const answer = await patch('/profile', { pictureMediaId: text.id });
      expect([answer.status, answer.body.errors[0].pointer]).toEqual([422, '/pictureMediaId']);
      expect((await patch('/profile', { pictureMediaId: 999_999 })).status).toBe(404);
    });
  });
});
