import { lidOf } from '../../src/network/jid.js';
import { startProxy } from '../support/proxy.js';
import { startWorld, type TestNode, type World } from '../support/node.js';
import { until } from '../support/until.js';
import { createStage, startFiles, type Stage } from './stage.js';

/** The world in which the recordings were made, made again: the same instances in the same states, in the same order. */

export interface Play {
  readonly world: World;
  readonly stage: Stage;
  readonly a: TestNode;
  readonly b: TestNode;
  /** Cuts and mends the way of node B to its database. */
  readonly proxy: Awaited<ReturnType<typeof startProxy>>;
}

const CUSTOMER = '5511988887777';
const ALPHA = '5511900000001';

const webhookOf = (play: Play, name: string, more: object = {}): object => ({
  enabled: true,
  url: `${play.world.receiver.url}/hook/${name}`,
  headers: { 'x-tenant': name },
  events: [],
  ...more,
});

/** Like `world.pair`, with the webhook headers of the recordings. */
const pair = (play: Play, node: TestNode, name: string, number: string): Promise<string> =>
  play.world.pair(node, name, { number, webhook: webhookOf(play, name) as Record<string, unknown> });

const inbound = (play: Play, body: object): Promise<unknown> =>
  play.a.post('/sandbox/inbound', { from: CUSTOMER, pushName: 'Customer One', ...body });

const create = async (play: Play): Promise<void> => {
  const { stage, a } = play;
  const { body } = await stage.play(
    a,
    'instance_create',
    'baileys, qrcode true, webhook with headers/base64/events',
  );
  stage.means('0ca29a2b-b7fd-4eba-88eb-824570107237', body.instance.instanceId);
  await stage.play(a, 'instance_connectionState', 'connecting (QR shown)');
  await stage.play(a, 'instance_create', 'qrcode false, no webhook, custom token');
  stage.means('<token of instance bravo>', 'BRAVO-TOKEN-123');
  await stage.play(
    a,
    'instance_connectionState',
    'close (created with qrcode false)',
    'unknown instance',
    'unknown instance, no apikey (404 comes before 401)',
    'wrong apikey',
    'token of another instance',
  );
  await stage.play(
    a,
    'instance_create',
    'webhook byEvents true',
    'duplicate name',
    'missing instanceName',
    'missing integration',
    'invalid integration',
    'empty instanceName',
    'wrong type (qrcode string)',
    'malformed JSON body',
    'no apikey',
    'wrong apikey',
    'an instance token instead of the global key',
    'name with slash and space',
    'with number: qrcode true gives a pairing code too',
    'webhook events omitted',
    'invalid webhook event name',
  );
  await stage.play(
    a,
    'webhook_find',
    'after create with an invalid event name',
    'none set (qrcode false, no webhook)',
    'unknown instance',
  );
  await race(play);
};

const race = async ({ stage, a }: Play): Promise<void> => {
  const body = { instanceName: 'race', integration: 'WHATSAPP-BAILEYS', qrcode: false };
  const gone = async (): Promise<boolean> => (await a.get('/instance/connectionState/race')).status === 404;
  // Whether both pass the check for the name is a matter of a millisecond: again until they do.
  const [loser, winner] = await until('two creates meet', async () => {
    const both = await Promise.all([1, 2, 3].map(() => a.post('/instance/create', body)));
    const met = [both.find(({ status }) => status === 400), both.find(({ status }) => status === 201)];
    if (met.every(Boolean)) return met;
    await a.delete('/instance/delete/race');
    await until('the name is free again', gone);
    return null;
  });
  stage.keep('instance_create#race: two concurrent creates of one name, call 1', loser!);
  stage.keep('instance_create#race: two concurrent creates of one name, call 2', winner!);
  await until('the winner is gone too', gone);
  await stage.play(
    a,
    'instance_create',
    'after two concurrent creates of one name: fetchInstances',
    'after two concurrent creates of one name: connectionState',
  );
};

const connect = async (play: Play): Promise<void> => {
  const { stage, a } = play;
  await stage.play(
    a,
    'instance_connect',
    'closed instance: starts the socket, returns QR',
    'connecting: returns current QR',
    'with number query: pairing code',
    'with number query: pairing code (second call)',
    'unknown instance',
    'wrong apikey',
    'own instance token as apikey',
  );
  await stage.play(
    a,
    'instance_fetchInstances',
    'all',
    'wrong apikey',
    'no apikey',
    'unknown instanceName',
    'unknown instanceId',
  );
  await stage.play(
    a,
    'instance_fetchInstances',
    'instance token as apikey (only that instance)',
    'filter by number (DB column number, set only when given at create)',
  );
  await stage.play(
    a,
    'instance_restart',
    'connecting',
    'instance whose create failed (already removed)',
    'unknown instance',
  );
  await stage.play(
    a,
    'instance_logout',
    'instance whose create failed (already removed)',
    'unknown instance',
  );
  await until('a code is shown again', async () => (await a.state('bravo')) === 'connecting');
  await stage.play(
    a,
    'message_sendText',
    'instance connecting, a pairing code was requested (never paired)',
    'instance closed, never connected',
  );
  await a.post('/instance/create', { instanceName: 'qronly', integration: 'WHATSAPP-BAILEYS', qrcode: true });
  await stage.play(
    a,
    'message_sendText',
    'instance connecting (QR shown, no pairing code)',
    'instance connecting (QR shown), number not in cache',
  );
  await stage.play(
    a,
    'chat_whatsappNumbers',
    'disconnected instance',
    'connecting instance',
    'connecting (QR only), number not in cache',
  );
  await play.world.scan(a, 'alpha', ALPHA);
  await stage.play(a, 'instance_connectionState', 'open');
  await stage.play(a, 'instance_connect', 'already open');
};

const configure = async ({ stage, a }: Play): Promise<void> => {
  await stage.play(
    a,
    'webhook_set',
    'full',
    'events empty = all events',
    'disabled',
    'missing webhook wrapper',
    'missing url',
    'missing events',
    'invalid event',
    'url not http',
    'unknown instance',
  );
  await stage.play(a, 'webhook_find', 'set');
  await stage.play(a, 'settings_set', 'full', 'missing fields', 'unknown instance');
  await stage.play(a, 'settings_find', 'find');
  await stage.play(a, 'instance_setPresence', 'available');
  await stage.play(a, 'get_root', 'root');
  await stage.play(a, 'verify_creds', 'global key', 'wrong key');
  await stage.play(a, 'errors_generic', 'unknown route', 'wrong method', 'no instanceName in path');
  await stage.play(a, 'metrics', 'no basic auth');
  const authorization = `Basic ${Buffer.from('metrics:metrics').toString('base64')}`;
  stage.keep('metrics#basic auth', await a.get('/metrics', { headers: { authorization } }));
};

/** What a customer writes, with the ids of the recordings, so that later calls find it. */
const listen = async (play: Play): Promise<void> => {
  const { stage, world } = play;
  const to = ALPHA;
  stage.means('233148154562373@lid', lidOf(CUSTOMER));
  stage.means('298765432109876@lid', lidOf('5511912345678'));
  await inbound(play, { to, text: 'Hi, I need help', id: '3A286402BB3D0DE6E083' });
  await inbound(play, { to, text: 'Hi from a LID chat', addressing: 'lid' });
  await inbound(play, {
    to,
    text: 'LID without phone number',
    addressing: 'lid-only',
    from: '5511912345678',
  });
  await inbound(play, { to, text: 'quoting you', target: '3EB077B51D63B74A829D79' });
  await inbound(play, { to, type: 'image', text: 'my picture', id: '3A35B98955695ADAFE46' });
  for (const type of ['document', 'audio', 'location', 'contact', 'listResponse', 'buttonsResponse'])
    await inbound(play, { to, type });
  await inbound(play, { to, type: 'reaction', target: '3EB077B51D63B74A829D79', text: '❤️' });
  await inbound(play, { to, fromMe: true, text: 'sent from my phone' });
  await inbound(play, { to, text: 'tpyo', id: '3AA74CA6D0878B614265' });
  await inbound(play, { to, type: 'edit', target: '3AA74CA6D0878B614265', text: 'typo' });
  await inbound(play, { to, type: 'revoke', target: '3AA74CA6D0878B614265' });
  for (const status of ['composing', 'available', 'unavailable'])
    await inbound(play, { to, type: 'presence', status });
  for (const status of ['offer', 'terminate'])
    await inbound(play, { to, type: 'call', status, id: 'CALLID0001' });
  await inbound(play, { to, type: 'history' });
  await world.hear('alpha', 'messages.delete');
};

const talk = async (play: Play): Promise<void> => {
  const { stage, a } = play;
  const plain = await stage.play(a, 'message_sendText', 'plain text');
  stage.means('3EB077B51D63B74A829D79', plain.body.key.id);
  await stage.play(
    a,
    'message_sendText',
    'with delay 1200, linkPreview false, quoted, mentioned',
    'number as full jid',
    'number as @lid jid',
    'number with punctuation',
    'number not on WhatsApp',
    'missing text',
    'missing number',
    'number as JSON number',
    'empty text',
    'v1-style body (textMessage)',
    'wrong apikey',
    'no apikey',
    'unknown instance',
    'to an unknown group',
  );
  await media(play);
  await stage.play(a, 'message_sendLocation', 'ok', 'missing name/address');
  await stage.play(a, 'message_sendContact', 'ok', 'empty list');
  await stage.play(a, 'message_sendPoll', 'ok', 'one option only');
  await stage.play(a, 'message_sendReaction', 'ok', 'remove (empty)', 'not an emoji', 'missing key');
  await stage.play(a, 'message_sendButtons', 'reply buttons');
  await stage.play(a, 'message_sendList', 'ok');
  await stage.play(a, 'message_sendStatus', 'text');
  await stage.play(a, 'call_offer', 'ok');
  for (const status of ['DELIVERY_ACK', 'READ', 'PLAYED', 'SERVER_ACK'])
    await inbound(play, { to: ALPHA, type: 'ack', target: plain.body.key.id, status });
  await a.text('alpha', lidOf(CUSTOMER), 'ack lid');
};

const media = async ({ stage, a }: Play): Promise<void> => {
  await stage.play(
    a,
    'message_sendMedia',
    'image by url',
    'image by base64',
    'document by url',
    'data: URL prefix',
    'url answers 404',
    'media neither url nor base64',
    'missing media',
    'invalid mediatype',
    'base64 document without fileName',
    'multipart/form-data upload',
  );
  await stage.play(a, 'message_sendSticker', 'url', 'base64');
  await stage.play(
    a,
    'message_sendWhatsAppAudio',
    'url (ffmpeg converts)',
    'url, encoding false',
    'base64, encoding false',
  );
  await stage.play(a, 'message_sendPtv', 'bad media');
};

const chat = async (play: Play): Promise<void> => {
  const { stage, a, world } = play;
  await stage.play(a, 'chat_whatsappNumbers', 'mixed', 'empty list', 'missing');
  await stage.play(a, 'chat_markMessageAsRead', 'ok', 'missing readMessages', 'disconnected instance');
  await stage.play(a, 'chat_sendPresence', 'composing', 'invalid presence', 'missing delay');
  await stage.play(a, 'chat_updateBlockStatus', 'block');
  await stage.play(a, 'chat_archiveChat', 'app state key missing in this fake pairing');
  await stage.play(a, 'chat_fetchProfilePictureUrl', 'ok', 'no picture / hidden', 'disconnected instance');
  await stage.play(a, 'chat_fetchProfile', 'ok');
  await stage.play(a, 'chat_fetchBusinessProfile', 'none');
  await stage.play(a, 'chat_fetchPrivacySettings', 'ok');
  await stage.play(
    a,
    'chat_getBase64FromMediaMessage',
    'image by key id',
    'text message',
    'unknown message id',
  );
  await stage.play(a, 'instance_fetchInstances', 'filter by instanceName', 'filter by instanceId');
  await stage.play(
    a,
    'chat_findMessages',
    'by key id (with MessageUpdate list)',
    'no match',
    'unknown instance',
  );
  await stage.play(a, 'chat_findStatusMessage', 'acks by message id');
  await stage.play(a, 'chat_findContacts', 'all', 'one');

  const edited = await a.text('alpha', CUSTOMER, 'edit me');
  stage.means('3EB0D28FC5DEC560FCAF52', edited.body.key.id);
  await stage.play(a, 'chat_updateMessage', 'edit own text');
  const deleted = await a.text('alpha', CUSTOMER, 'delete me');
  stage.means('3EB0DD8FE1B40BB81ACB1C', deleted.body.key.id);
  await stage.play(a, 'chat_deleteMessageForEveryone', 'ok');
  // The newest message of the page has no acks in the recording, the one before it has been read.
  const read = await a.text('alpha', CUSTOMER, 'ack lid');
  await world.hear(
    'alpha',
    'messages.update',
    (data) => data.keyId === read.body.key.id && data.status === 'READ',
  );
  await a.post('/message/sendText/alpha', { number: CUSTOMER, text: 'will be nacked' });
  await stage.play(a, 'chat_findMessages', 'by remoteJid, page 1');
  await stage.play(a, 'chat_findChats', 'all', 'by remoteJid');
};

const group = async (play: Play): Promise<void> => {
  const { stage, a } = play;
  const first = await stage.play(a, 'group_create', 'ok');
  stage.means('120363033523333101@g.us', first.body.id);
  await stage.play(a, 'group_create', 'missing participants');
  const second = await stage.play(a, 'group_create', 'participant not on WhatsApp');
  stage.means('120363033523636602@g.us', second.body.id);
  await stage.play(a, 'group_create', 'participant with bad format', 'disconnected instance');
  await stage.play(a, 'group_fetchAllGroups', 'with participants', 'without participants', 'query missing');
  await stage.play(a, 'group_findGroupInfos', 'ok');
  await stage.play(a, 'group_participants', 'ok', 'unknown group', 'missing groupJid');
  await stage.play(
    a,
    'group_updateParticipant',
    'add: one ok, one already member, one not on WhatsApp, one privacy-protected',
    'promote',
    'demote',
    'remove',
    'invalid action',
    'unknown group',
  );
  await stage.play(a, 'group_updateGroupSubject', 'ok');
  await stage.play(a, 'group_updateGroupDescription', 'ok');
  await stage.play(a, 'group_updateSetting', 'announcement');
  await stage.play(a, 'group_inviteCode', 'ok');
  await stage.play(
    a,
    'group_inviteInfo',
    'invite code with a dash (fake server made it): refused by the 22 alphanumeric pattern',
    'bad code',
  );
  await stage.play(a, 'group_acceptInviteCode', 'bad code');
  await stage.play(a, 'group_revokeInviteCode', 'ok');
  await stage.play(a, 'group_sendInvite', 'ok');
  await stage.play(a, 'message_sendText', 'to a group (mentionsEveryOne)');
  await a.text('alpha', first.body.id, 'ack me group');
  await inbound(play, { to: ALPHA, group: first.body.id, text: 'hello from a member' });
  await inbound(play, {
    to: ALPHA,
    group: first.body.id,
    text: 'hello from a lid member',
    addressing: 'lid',
  });
  await inbound(play, { to: ALPHA, type: 'group', text: 'Their group' });
  await play.world.hear(
    'alpha',
    'messages.upsert',
    ({ key }) => key.addressingMode === 'lid' && key.remoteJid === first.body.id,
  );
  await stage.play(a, 'group_leaveGroup', 'ok');
};

/** An instance through its whole life: drops, logouts, a removed device, deletion. */
const golf = async (play: Play): Promise<void> => {
  const { stage, a, world } = play;
  const number = '5511900000007';
  await pair(play, a, 'golf', number);
  await until(
    'it was told',
    () => world.heard('golf', 'connection.update', ({ state }) => state === 'open')[0],
  );
  await stage.play(a, 'instance_restart', 'open');
  await until('it is open again', async () => (await a.state('golf')) === 'open');
  const second = await a.post('/group/create/golf', { subject: 'G2', participants: [CUSTOMER] });
  stage.means('120363033532866903@g.us', second.body.id);
  await a.post('/webhook/set/golf', {
    webhook: { ...webhookOf(play, 'golf'), events: ['GROUP_UPDATE'] },
  });
  await world.database.query(
    `update "Webhook" set events = events || '["GROUPS_UPDATE", "CONNECTION_UPDATE", "STATUS_INSTANCE", "LOGOUT_INSTANCE",
       "QRCODE_UPDATED", "REMOVE_INSTANCE", "INSTANCE_DELETE"]' where "instanceId" = (select id from "Instance" where name = 'golf')`,
  );
  await until('the renamed group was told', async () => {
    await a.post(`/group/updateGroupSubject/golf?groupJid=${second.body.id}`, { subject: 'G2 renamed' });
    return world.heard('golf', 'groups.update')[0];
  });
  await stage.play(a, 'instance_logout', 'open');
  await until('the logout was told', () => world.heard('golf', 'logout.instance').length === 1);
  await stage.play(a, 'instance_connectionState', 'close (after logout)');
  await stage.play(a, 'instance_logout', 'already logged out');
  await stage.play(a, 'instance_restart', 'logged out (state close)');
  await stage.play(a, 'message_sendText', 'instance logged out', 'instance logged out, number not in cache');
  await stage.play(a, 'message_sendMedia', 'instance logged out');
  await stage.play(a, 'chat_whatsappNumbers', 'logged-out instance, number not in cache');
  await world.forgotten('golf');
  await stage.play(a, 'instance_connect', 'after logout: new QR');
  await world.scan(a, 'golf', number);
  await a.post('/sandbox/faults', { logout: 401, instance: 'golf' });
  await until('the removal was told', () => world.heard('golf', 'logout.instance').length === 2);
  await stage.play(a, 'instance_connectionState', 'close (device removed on the phone)');
  await stage.play(a, 'instance_fetchInstances', 'after device removal (disconnectionReasonCode 401)');
  await stage.play(a, 'instance_delete', 'closed instance');
  await until('it is gone', async () => (await a.get('/instance/connectionState/golf')).status === 404);
  await stage.play(a, 'instance_connectionState', 'deleted instance');
};

const ends = async (play: Play): Promise<void> => {
  const { stage, a, world } = play;
  await stage.play(
    a,
    'instance_delete',
    'name with slash and space (percent-encoded)',
    'unknown instance',
    'wrong apikey',
  );
  await stage.play(a, 'instance_delete', 'connecting instance (QR shown)');
  await until('it is gone', async () => (await a.get('/instance/connectionState/bravo')).status === 404);
  await stage.play(a, 'instance_connectionState', 'after delete of a connecting instance');

  const webhook = { enabled: true, url: 'http://127.0.0.1:1/down', events: [] };
  await a.post('/instance/create', {
    instanceName: 'lima',
    integration: 'WHATSAPP-BAILEYS',
    qrcode: false,
    webhook,
  });
  await stage.play(
    a,
    'instance_delete',
    'webhook receiver down: SUCCESS at once, but rows stay until webhook retries end',
    'webhook receiver down: 3 s later the instance still exists',
    'webhook receiver down: re-creating the name meanwhile',
  );

  await pair(play, a, 'juliet', '5511900000010');
  const sent = await a.text('juliet', '5511988880001', 'refused');
  await inbound(play, { to: '5511900000010', type: 'ack', target: sent.body.key.id, status: 'ERROR' });
  await inbound(play, { to: '5511900000010', id: '3ADUPLICATE00001', text: 'dup', addressing: 'pn-only' });
  await inbound(play, { to: '5511900000010', text: 'while you were away', addressing: 'pn-only' });
  await world.hear(
    'juliet',
    'messages.upsert',
    ({ message }) => message.conversation === 'while you were away',
  );
  await a.post('/sandbox/faults', { logout: 403, instance: 'juliet' });
  await until('the ban was told', () => world.heard('juliet', 'logout.instance').length === 1);
  await stage.play(a, 'instance_connectionState', 'close (403 forbidden)');

  await world.scan(a, 'charlie', '5511900000003');
  await inbound(play, { to: '5511900000003', text: 'by events', addressing: 'pn-only' });
  await inbound(play, {
    to: '5511900000003',
    type: 'image',
    text: 'no base64',
    addressing: 'pn-only',
    base64: 'AAAA',
  });
  await until(
    'both are there',
    () => world.receiver.all.filter(({ path }) => path === '/hook/charlie/messages-upsert').length >= 2,
  );
};

const limited = async (play: Play): Promise<void> => {
  const { stage, world } = play;
  const node = await world.node('evo_q', {
    SANDBOX_QR_LIMIT: '1',
    SANDBOX_QR_MS: '300',
    SANDBOX_EXPOSE_TOKEN: 'true',
  });
  const webhook = webhookOf(play, 'qrlimit');
  await node.post('/instance/create', {
    instanceName: 'qrlimit',
    integration: 'WHATSAPP-BAILEYS',
    qrcode: true,
    webhook,
  });
  await until(
    'the limit was told',
    () => world.heard('qrlimit', 'connection.update', ({ state }) => state === 'refused')[0],
  );
  await stage.play(node, 'instance_connectionState', 'QR limit reached');
  await stage.play(node, 'instance_connect', 'after the QR limit was reached');
  await node.kill();
};

/** WhatsApp cannot be reached: what was asked before is still answered from the cache. */
const outage = async (play: Play): Promise<void> => {
  const { stage, a } = play;
  await a.post('/sandbox/faults', { unreachable: true, instance: 'alpha' });
  const closed = (): Promise<unknown> =>
    until('it is closed', async () => (await a.state('alpha')) === 'close');
  await closed();
  await stage.play(a, 'instance_connectionState', 'WhatsApp unreachable');
  await stage.play(
    a,
    'message_sendText',
    'paired instance, WhatsApp unreachable (socket lost), number cached',
    'paired instance, WhatsApp unreachable, number not cached',
  );
  await stage.play(a, 'group_create', 'WhatsApp unreachable');
  await closed();
  await stage.play(a, 'instance_connect', 'WhatsApp unreachable (paired)');
  await a.delete('/sandbox/faults');
};

/** The calls of node B for an instance that node A holds. */
const STRANGER = [
  'fetchInstances lists only rows with its own client name',
  'fetchInstances?instanceName=alpha',
  'connectionState of an instance held elsewhere',
  'connect',
  'restart',
  'logout',
  'create with the same name',
  'sendText',
  'sendMedia',
  'sendReaction',
  'whatsappNumbers',
  'findMessages',
  'findChats',
  'findContacts',
  'markMessageAsRead',
  'group create',
  'webhook find',
  'webhook set',
  'settings find',
  'settings set',
  'instance unknown to both',
];

const multinode = async (play: Play): Promise<void> => {
  const { stage, a, b, world } = play;
  await stage.play(b, 'multinode', ...STRANGER);
  await a.kill();
  await a.start();
  await until('alpha is open', async () => (await a.state('alpha')) === 'open');
  await stage.play(a, 'multinode', 'after node restart: send works without QR');
  await ghost(play);
  await fight(play);
  await a.kill();
  await stage.play(
    b,
    'multinode',
    'holder dead: DB row still says open',
    'holder dead: connect on the other node',
  );
  for (const name of ['retrya', 'retryb'])
    await pair(play, b, name, `55119000000${name === 'retrya' ? '21' : '22'}`);
  await stage.play(
    b,
    'webhook_retry',
    'webhook answers 500 twice, then 200',
    'webhook answers 404 (non-retryable)',
  );
  await b.post('/instance/create', { instanceName: 'retryc', integration: 'WHATSAPP-BAILEYS', qrcode: true });
  await world.database.query(`update "Instance" set "clientName" = 'evo_b' where name = 'alpha'`);
  await stage.play(
    b,
    'multinode',
    'after UPDATE "Instance" SET "clientName": fetchInstances on node2 lists it (DB), memory does not',
    'after the UPDATE, before node2 restarts: connect',
  );
  await b.kill();
  await b.start();
  await until('alpha is open on B', async () => (await b.state('alpha')) === 'open');
  await stage.play(
    b,
    'multinode',
    'moved: state on node2 after clientName update + node2 restart',
    'moved: sendText on node2 without a new QR',
  );
};

/** Deleted through another node: the rows are gone, the holder keeps sending. */
const ghost = async (play: Play): Promise<void> => {
  const { stage, a, b } = play;
  await pair(play, a, 'kilo', '5511900000011');
  await stage.play(b, 'multinode', 'DELETE through node2: DB rows are gone, node1 keeps the live socket');
  await until(
    'the rows are gone',
    async () => (await b.get('/instance/connectionState/kilo')).status === 404,
  );
  await stage.play(
    a,
    'multinode',
    'afterwards on node1 (holder): connectionState',
    'afterwards on node1 (holder): fetchInstances',
    'afterwards on node1 (holder): sendText',
  );
  await stage.play(b, 'multinode', 'afterwards on node2: connectionState');
  await stage.play(a, 'multinode', 'DELETE on the holder cleans the ghost');
};

/** Two nodes with one client name take the session from each other, for ever. */
const fight = async (play: Play): Promise<void> => {
  const { stage, a, world } = play;
  const twin = await world.node('evo_a', { SANDBOX_EXPOSE_TOKEN: 'true' });
  const ask = (node: TestNode, label: string) =>
    stage.play(node, 'multinode', `two nodes with one client name: ${label}`);
  await until(
    'A is open while they fight',
    async () => (await ask(a, 'state on node1')).body.instance.state === 'open',
  );
  await until(
    'the twin is not',
    async () => (await ask(twin, 'state on node3')).body.instance.state === 'connecting',
  );
  await until('a send gets through', async () => (await ask(a, 'sendText on node1, try 1')).status === 201);
  for (const n of [2, 3, 4])
    await until(
      'a send meets a closed line',
      async () => (await ask(a, `sendText on node1, try ${n}`)).status === 400,
    );
  await twin.kill();
};

const backendDown = async ({ stage, b, proxy }: Play): Promise<void> => {
  await stage.play(b, 'multinode', 'moved: sendText on node2 without a new QR');
  await proxy.cut();
  await stage.play(
    b,
    'backend_down',
    'Postgres down: GET / -> 200'.split(' -> ')[0]!,
    'Postgres down: verify-creds',
    'Postgres down: connectionState (held in memory)',
    'Postgres down: connectionState (not in memory)',
    'Postgres down: fetchInstances',
    'Postgres down: sendText',
  );
  await proxy.mend();
  await until(
    'it sends again',
    async () => (await stage.play(b, 'backend_down', 'Postgres back: sendText')).status === 201,
  );
  await stage.play(b, 'backend_down', 'Postgres back: fetchInstances');
};

/** Plays everything once. @returns what the live nodes answered and sent. */
export const playScenario = async () => {
  const world = await startWorld();
  const files = await startFiles();
  const database = new URL(world.database.url);
  const proxy = await startProxy({ host: database.hostname, port: Number(database.port || 5432) });
  database.hostname = '127.0.0.1';
  database.port = String(proxy.port);
  // As in the recording, webhooks carry the instance's token; `apikey: null` is tested in webhooks.test.ts.
  const env = { SANDBOX_EXPOSE_TOKEN: 'true', SANDBOX_WEBHOOK_RETRY_INITIAL_DELAY_MS: '60000' };
  const a = await world.node('evo_a', env);
  const b = await world.node('evo_b', { ...env, SANDBOX_DATABASE_URL: database.href });
  const stage = createStage({
    files: files.url,
    hooks: world.receiver.url,
    base64: files.png.toString('base64'),
  });
  const play: Play = { world, stage, a, b, proxy };
  const acts = [
    create,
    connect,
    configure,
    listen,
    talk,
    chat,
    group,
    golf,
    ends,
    limited,
    outage,
    multinode,
    backendDown,
  ];
  const failures: string[] = [];
  for (const act of acts)
    await act(play).catch((error: unknown) =>
      failures.push(`${act.name}: ${String((error as Error).message)}`),
    );
  const stop = async (): Promise<void> => {
    await world.stop();
    await files.stop();
    await proxy.stop();
  };
  return { stage, world, stop, failures };
};
