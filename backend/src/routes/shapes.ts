import Joi from 'joi';
import { isMobile, toE164 } from '../utils/number.js';

/** The joi shapes of resources: what comes in, and what goes out, each built once. */

export const id = Joi.number().integer().min(1).max(Number.MAX_SAFE_INTEGER);
export const time = Joi.string().isoDate();

/** Days that there are: JavaScript reads February 30 as March 2, and PostgreSQL refuses years it cannot keep. */
const isRealDay = (value: string): boolean => {
  const day = /^\d{4}-\d{2}-\d{2}/.exec(value)?.[0];
  const at = new Date(`${day}T00:00:00Z`);
  return (
    day !== undefined && day >= '1000' && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(day)
  );
};

/** A moment that a caller names, kept as ISO 8601 in UTC. Without an offset nobody knows when it is. */
export const instant = Joi.string()
  .max(40)
  .custom((value: string, helpers) => {
    const isExact = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/.test(value);
    const at = new Date(value);
    const isReal = isExact && isRealDay(value) && !Number.isNaN(at.getTime());
    return isReal ? at.toISOString() : helpers.error('instant');
  })
  .messages({ instant: '{{#label}} must be a time with its offset, such as 2027-01-31T09:00:00Z' })
  .example('2027-01-31T09:00:00Z');

/** A moment to filter by; a day alone is its first moment in UTC. */
export const moment = Joi.date()
  .iso()
  .custom((value: Date, helpers) =>
    isRealDay(String(helpers.original)) ? value : helpers.error('date.format', { format: 'iso' }),
  );

const LATEST_MS = 366 * 24 * 3600 * 1000;

/** When and how a message goes out, whatever it says. */
export const sendOptions = {
  priority: Joi.string()
    .valid('high', 'normal', 'bulk')
    .default('normal')
    .description('Chats of higher priority go first, and `high` (one-time codes) leaves in quiet hours too'),
  sendAt: instant
    .custom((value: string, helpers) =>
      new Date(value).getTime() - Date.now() > LATEST_MS ? helpers.error('sendAt') : value,
    )
    .messages({ sendAt: '{{#label}} must be at most a year ahead' })
    .description('Not before this time; at once unless given'),
  expiresAt: instant
    .custom((value: string, helpers) => {
      const { sendAt } = helpers.state.ancestors[0] as { sendAt?: string };
      const earliest = Math.max(Date.now(), sendAt ? new Date(sendAt).getTime() : 0);
      return new Date(value).getTime() > earliest ? value : helpers.error('expiresAt');
    })
    .messages({ expiresAt: '{{#label}} must be in the future, and after sendAt' })
    .description(
      'What has not left by then does not leave any more; `MESSAGE_TTL` after it is due unless given',
    ),
  onUnknown: Joi.string()
    .valid('keep', 'resend')
    .default('keep')
    .description(
      'What to do when nobody knows whether it went out: `keep` it `unknown`, or `resend` where a double is better than a loss',
    ),
};

/** A phone number in any common spelling, kept as E.164 with +. */
export const phoneNumber = Joi.string()
  .max(40)
  .custom((value: string, helpers) => toE164(value) ?? helpers.error('phoneNumber'))
  .messages({ phoneNumber: '{{#label}} must be a phone number with its country code, such as +628123456789' })
  .description('E.164 with +; spaces, dashes and brackets are taken out')
  .example('+628123456789');

/** A number that a phone can have. */
export const mobileNumber = phoneNumber
  .custom((value: string, helpers) => (isMobile(value) ? value : helpers.error('mobile')))
  .messages({ mobile: '{{#label}} must be a mobile number' });

/** Who a message goes to: a number, `group:<id>` or `lid:<id>`. */
export const recipient = Joi.string()
  .max(80)
  .custom((value: string, helpers) => {
    if (/^(group:\d[\d-]{4,40}|lid:\d{5,20})$/.test(value)) return value;
    return toE164(value) ?? helpers.error('recipient');
  })
  .messages({ recipient: '{{#label}} must be a phone number with its country code, group:<id> or lid:<id>' })
  .description('A number in E.164 with +, `group:<id>`, or `lid:<id>` where WhatsApp gives no number')
  .example('+628987654321');

/** Safe repetition: the same key and body is the same request. */
export const idempotencyHeaders = Joi.object({
  'idempotency-key': Joi.string()
    .pattern(/^[\x21-\x7e]{1,255}$/, 'visible ASCII')
    .description('Makes repeating the request safe: the same key and body get the first answer again'),
});

export const limit = Joi.number().integer().min(1).max(100).default(50);
export const offset = Joi.number().integer().min(0).max(100_000).default(0);
export const cursor = Joi.string().max(100).description('`nextCursor` of the page before');
export const page = { limit, offset, cursor };

export const listOf = (item: Joi.Schema) =>
  Joi.object({
    data: Joi.array().items(item).required(),
    hasMore: Joi.boolean().required(),
    nextCursor: Joi.string().allow(null).required(),
  });

export const user = Joi.object({
  id: id.required(),
  username: Joi.string().required(),
  email: Joi.string().required(),
  role: Joi.string().valid('user', 'admin').required(),
  isActive: Joi.boolean().required(),
  isEmailVerified: Joi.boolean().required(),
  hasSecondFactor: Joi.boolean().required(),
  createdAt: time.required(),
}).id('User');

const token = {
  token: Joi.string().required().description('A JWT, for `Authorization: Bearer …`'),
  expiresIn: Joi.number().integer().required().description('Seconds'),
};
const session = {
  ...token,
  refreshToken: Joi.string().required().description('For `POST /api/auth/refresh`, once; shown this once'),
  refreshExpiresIn: Joi.number().integer().required().description('Seconds'),
};
export const issued = Joi.object(session).id('Issued');
const OF_THE_ACCOUNT = [
  'username',
  'email',
  'role',
  'isActive',
  'isEmailVerified',
  'hasSecondFactor',
  'createdAt',
];
export const exchanged = Joi.object({
  user: user
    .fork(OF_THE_ACCOUNT, (field) => field.optional())
    .id('UserOfKey')
    .required()
    .description('All of it where the key has the scope account:read'),
  ...token,
}).id('Exchanged');
export const signedIn = Joi.object({ user: user.required(), ...session }).id('SignedIn');
export const registered = Joi.object({
  user: user.required(),
  apiKey: Joi.string().required().description('Shown this once'),
  ...session,
}).id('Registered');

const clock = Joi.string()
  .pattern(/^([01]\d|2[0-3]):[0-5]\d$/, 'HH:MM')
  .example('21:00');
const date = Joi.string()
  .pattern(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'YYYY-MM-DD')
  .custom((value: string, helpers) => (isRealDay(value) ? value : helpers.error('date')))
  .messages({ date: '{{#label}} must be a day that there is' });

/** How a phone sends. */
export const sendingFields = {
  timezone: Joi.string().max(64).description('IANA name, such as Asia/Jakarta').example('Asia/Jakarta'),
  quietHours: Joi.object({ from: clock.required(), to: clock.required() })
    .allow(null)
    .description('Only messages of high priority leave in them; they may span midnight'),
  perMinute: Joi.number().min(0.01).max(6000).allow(null).description('Messages a minute; null: no limit'),
  jitter: Joi.number().min(0).max(1).description('By which share the pause between two sends varies'),
  recipientGap: Joi.number().min(0).max(86_400).description('Seconds between two messages to one recipient'),
  warmUp: Joi.object({
    perDay: Joi.array().items(Joi.number().integer().min(1).max(1_000_000)).min(1).max(90).required(),
    from: date,
  })
    .allow(null)
    .description(
      'For a new number: how many may leave on the first, second, … day; later days have no limit',
    ),
};

/** How a phone behaves on its own. */
export const settingsFields = {
  rejectCalls: Joi.boolean(),
  rejectCallsMessage: Joi.string().allow('').max(1000).description('What a caller is told; empty: nothing'),
  ignoreGroups: Joi.boolean().description('Nothing that is said in groups is received'),
  alwaysOnline: Joi.boolean(),
  readMessages: Joi.boolean().description('Marks as read whatever comes in, at once'),
  syncHistory: Joi.boolean().description('Asks for the whole history as it is paired'),
};

const proxyPlace = {
  protocol: Joi.string().valid('http', 'https', 'socks4', 'socks5').required(),
  host: Joi.string()
    .max(253)
    .required()
    .description('A public IP address, or a host that the operator allows'),
  port: Joi.number().integer().min(1).max(65_535).required(),
  username: Joi.string().max(100),
};
/** Through what a phone reaches WhatsApp. */
export const proxyFields = { ...proxyPlace, password: Joi.string().max(100) };

export const phoneStatus = Joi.string().valid(
  'new',
  'pairing',
  'qr_expired',
  'connected',
  'reconnecting',
  'disconnected',
  'logged_out',
  'banned',
  'mismatch',
  'conflict',
  'deaf',
  'node_down',
  'moving',
);

export const phoneFields = {
  id: id.required(),
  phoneNumber: Joi.string().required(),
  deviceName: Joi.string().required(),
  webhookUrl: Joi.string().allow(null).required(),
  status: phoneStatus.required(),
  reason: Joi.string().allow(null).required(),
  remedy: Joi.string().allow(null).required().description('What to do about it'),
  statusSince: time.required(),
  isConnected: Joi.boolean().required(),
  isPaused: Joi.boolean().required().description('Nothing leaves until it is resumed'),
  sending: Joi.object(sendingFields).required().description('How it sends'),
  settings: Joi.object(settingsFields).required().description('How it behaves on its own'),
  proxy: Joi.object({ ...proxyPlace, state: Joi.string().valid('applied', 'pending', 'refused').required() })
    .allow(null)
    .required()
    .description('Through what it reaches WhatsApp; `refused`: its node cannot use it'),
  sessionData: Joi.object().unknown().required().description('What is known of the connection'),
  createdAt: time.required(),
};
export const phone = Joi.object(phoneFields).id('Phone');
export const createdPhone = Joi.object({
  ...phoneFields,
  token: Joi.string().description('Shown this once'),
  webhookSecret: Joi.string()
    .allow(null)
    .description('Verifies the signatures of its webhook; shown this once'),
  secretOmitted: Joi.boolean().description('On a replay: the secrets were shown before'),
}).id('CreatedPhone');

export const updatedPhone = Joi.object({
  ...phoneFields,
  webhookSecret: Joi.string().description('Of a webhook that was made now; shown this once'),
}).id('UpdatedPhone');

export const qr = Joi.object({
  phoneId: id.required(),
  status: Joi.string().required(),
  code: Joi.string().required().description('What the QR code says'),
  pairingCode: Joi.string()
    .allow(null)
    .required()
    .description('To type in place of scanning; null unless connected by it'),
  image: Joi.string().required().description('A PNG as a data URL'),
  expiresAt: time.required(),
}).id('Qr');

/** What a message says beside its text; absent where it does not have it. The names are those of a send. */
export const contentsFields = {
  linkPreview: Joi.boolean(),
  mentions: Joi.array().items(Joi.string()),
  mentionAll: Joi.boolean(),
  quotedMessageId: id,
  quotedWhatsappId: Joi.string(),
  location: Joi.object().unknown(),
  live: Joi.boolean().description('A location that moves'),
  contacts: Joi.array().items(Joi.object().unknown()),
  poll: Joi.object().unknown(),
  list: Joi.object().unknown(),
  buttons: Joi.object().unknown(),
  vote: Joi.object({
    messageId: id.allow(null),
    whatsappId: Joi.string().allow(null).required(),
    options: Joi.array().items(Joi.string().allow('')).allow(null).required(),
  }).description('What was chosen in which poll; options is null where they could not be deciphered'),
  choice: Joi.object().unknown().description('What was chosen from a list or from buttons'),
  media: Joi.object().unknown().description('The file it carries'),
  reaction: Joi.object().unknown(),
  statusPost: Joi.object().unknown(),
  presence: Joi.object().unknown(),
  raw: Joi.object().unknown().description('As it came, of a type that is not known here'),
  lid: Joi.string().description("WhatsApp's hidden address of who said it"),
  editedAt: time,
  deletedAt: time.description('Deleted for everyone'),
};

export const media = Joi.object({
  id: id.required(),
  kind: Joi.string().valid('image', 'video', 'audio', 'voice', 'document', 'sticker').required(),
  status: Joi.string().valid('pending', 'stored', 'failed').required(),
  source: Joi.string().valid('upload', 'link', 'base64', 'inbound').required(),
  mimetype: Joi.string().allow(null).required(),
  fileName: Joi.string().allow(null).required(),
  size: Joi.number().integer().allow(null).required().description('Bytes'),
  sha256: Joi.string().allow(null).required().description('Of the bytes, as hex'),
  url: Joi.string().required().description('Opens the file without credentials; works once it is stored'),
  urlExpiresAt: time.required(),
  reason: Joi.string().allow(null).required().description('Why it failed, or the last try to fetch it did'),
  createdAt: time.required(),
  expiresAt: time.allow(null).required().description('When it may be removed'),
}).id('Media');

const messageFields = {
  id: id.required(),
  phoneId: id.required(),
  direction: Joi.string().valid('in', 'out').required(),
  source: Joi.string().valid('api', 'phone', 'contact').required(),
  chat: Joi.string().required(),
  from: Joi.string().required(),
  to: Joi.string().required(),
  type: Joi.string().required(),
  message: Joi.string().allow(null, '').required(),
  ...contentsFields,
  status: Joi.string()
    .valid(
      'scheduled',
      'queued',
      'sending',
      'sent',
      'delivered',
      'read',
      'played',
      'failed',
      'cancelled',
      'expired',
      'unknown',
      'received',
    )
    .required(),
  reason: Joi.string().allow(null).required(),
  remedy: Joi.string().allow(null).required().description('What to do about it'),
  detail: Joi.string().description('What is known of the reason beyond its name'),
  whatsappId: Joi.string().allow(null).required(),
  createdAt: time.required(),
  updatedAt: time.required(),
  sendAt: time.allow(null).required(),
  expiresAt: time.allow(null).required(),
  priority: Joi.string().valid('high', 'normal', 'bulk').required(),
  bulkId: id.allow(null).required(),
};
export const message = Joi.object(messageFields).id('Message');
export const messageDetail = Joi.object({
  ...messageFields,
  attempts: Joi.number().integer().required(),
  timeline: Joi.array()
    .items(
      Joi.object({
        status: Joi.string().required(),
        reason: Joi.string().allow(null).required(),
        at: time.required(),
      }),
    )
    .required(),
}).id('MessageDetail');

export const chat = Joi.object({
  phoneId: id.required(),
  chat: Joi.string().required(),
  unread: Joi.number().integer().min(0).required(),
  lastAt: time.required(),
  lastMessage: message.required(),
}).id('Chat');

export const readMark = Joi.object({
  phoneId: id.required(),
  chat: Joi.string().required(),
  messages: Joi.number().integer().required().description('How many were marked now'),
}).id('ReadMark');

const part = {
  status: Joi.string().valid('up', 'down', 'unknown').required(),
  latencyMs: Joi.number().allow(null).required(),
};
export const health = Joi.object({
  status: Joi.string().valid('ok', 'degraded', 'down').required(),
  service: Joi.object({
    status: Joi.string().required(),
    uptimeSeconds: Joi.number().integer().required(),
    version: Joi.string().required(),
  }).required(),
  database: Joi.object(part).required(),
  replica: Joi.object(part)
    .allow(null)
    .required()
    .description('The read replica, down as well while it is too far behind; null without one'),
  redis: Joi.object(part).required(),
  nodes: Joi.array()
    .items(
      Joi.object({
        name: Joi.string().required(),
        ...part,
        detail: Joi.string().allow(null).required(),
        since: time.allow(null).required(),
      }),
    )
    .required(),
  pool: Joi.object(part)
    .allow(null)
    .required()
    .description('The nodes as nginx balances them; null without a pool'),
}).id('Health');
export const statusOnly = Joi.object({ status: Joi.string().required() }).id('Status');
