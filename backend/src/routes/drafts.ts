import Joi from 'joi';
import type { DraftRequest, MessageType } from '../services/draft.js';
import { mediaFields } from './media.fields.js';
import { id, phoneNumber, recipient } from './shapes.js';

/** The joi shapes of what a message says. Which field goes with which type is one table, read by one check. */

/** WhatsApp takes 65 536 characters; one more is refused here, by name, rather than by the node. */
export const TEXT_LIMIT = 65_536;

const line = (max: number) => Joi.string().min(1).max(max);
/** One emoji as Unicode names them, or a character that is drawn as one. */
const EMOJI = new RegExp('^(?:\\p{RGI_Emoji}|\\p{Extended_Pictographic}\\uFE0F?)$', 'v');

const location = Joi.object({
  latitude: Joi.number().min(-90).max(90).required(),
  longitude: Joi.number().min(-180).max(180).required(),
  name: Joi.string().max(1000).allow(''),
  address: Joi.string().max(1000).allow(''),
}).description('Degrees');

const contacts = Joi.array()
  .items(
    Joi.object({
      name: line(256).required(),
      phoneNumber: phoneNumber.required(),
      organization: line(256),
      email: line(256),
      url: line(2048),
    }),
  )
  .min(1)
  .max(50);

const poll = Joi.object({
  name: line(255).required(),
  options: Joi.array().items(line(100)).min(2).max(12).unique().required(),
  selectableCount: Joi.number()
    .integer()
    .min(0)
    .max(12)
    .default(1)
    .description('How many options one may choose; 0: as many as one likes'),
});

const list = Joi.object({
  title: line(255).required(),
  description: Joi.string().max(1024),
  buttonText: line(60).required(),
  footer: Joi.string().max(255),
  sections: Joi.array()
    .items(
      Joi.object({
        title: Joi.string().max(255),
        rows: Joi.array()
          .items(
            Joi.object({
              id: line(200).required(),
              title: line(255).required(),
              description: Joi.string().max(255),
            }),
          )
          .min(1)
          .max(10)
          .required(),
      }),
    )
    .min(1)
    .max(10)
    .required(),
});

const buttons = Joi.object({
  title: line(255).required(),
  description: Joi.string().max(1024),
  footer: Joi.string().max(255),
  items: Joi.array()
    .items(
      Joi.object({
        type: Joi.string().valid('reply', 'url', 'call', 'copy').required(),
        text: line(60).required(),
        id: line(200).description('What comes back when a `reply` is chosen'),
        url: line(2048).description('For `url`'),
        phoneNumber: phoneNumber.description('For `call`'),
        code: line(200).description('For `copy`'),
      }),
    )
    .min(1)
    .max(3)
    .required(),
});

const reaction = Joi.object({
  messageId: id.required(),
  emoji: Joi.string()
    .max(40)
    .allow('')
    .custom((value: string, helpers) => (value === '' || EMOJI.test(value) ? value : helpers.error('emoji')))
    .messages({ emoji: '{{#label}} must be one emoji, or empty to take the reaction back' })
    .required(),
});

const statusPost = Joi.object({
  type: Joi.string().valid('text', 'image', 'video', 'audio').default('text'),
  recipients: Joi.array()
    .items(phoneNumber)
    .min(1)
    .max(5000)
    .description('Who may see it; without it, all contacts'),
  backgroundColor: Joi.string()
    .pattern(/^#[0-9a-fA-F]{6}$/)
    .description('Of a text status: #RRGGBB'),
  font: Joi.number().integer().min(0).max(10),
});

const presence = Joi.object({
  state: Joi.string().valid('typing', 'recording').required(),
  durationMs: Joi.number().integer().min(1).max(10_000).required(),
}).description('Shown to the recipient before the message goes out');

type Field = Exclude<keyof DraftRequest, 'phoneId' | 'to' | 'type'>;
const CONTEXT: Field[] = ['quotedMessageId', 'mentions', 'mentionAll', 'presence'];

/** Of each type: the field it needs, and those it takes beside it. */
const TYPES: Record<MessageType, { needs: Field | 'a file' | null; takes: Field[] }> = {
  text: { needs: 'message', takes: ['linkPreview', ...CONTEXT] },
  image: { needs: 'a file', takes: ['message', ...CONTEXT] },
  video: { needs: 'a file', takes: ['message', ...CONTEXT] },
  audio: { needs: 'a file', takes: CONTEXT },
  voice: { needs: 'a file', takes: CONTEXT },
  document: { needs: 'a file', takes: ['message', ...CONTEXT] },
  sticker: { needs: 'a file', takes: CONTEXT },
  location: { needs: 'location', takes: CONTEXT },
  contact: { needs: 'contacts', takes: CONTEXT },
  poll: { needs: 'poll', takes: CONTEXT },
  list: { needs: 'list', takes: ['presence'] },
  buttons: { needs: 'buttons', takes: ['presence'] },
  reaction: { needs: 'reaction', takes: [] },
  status: { needs: null, takes: ['message', 'statusPost'] },
};
/** The fields of a draft, for a row that takes one beside fields of its own. */
export const draftFields = {
  to: recipient,
  type: Joi.string()
    .valid(...Object.keys(TYPES))
    .default('text'),
  message: Joi.string()
    .min(1)
    .max(TEXT_LIMIT)
    .description('The text, or the caption')
    .example('Hello World!'),
  mediaId: id.description('A media that is stored, or on its way'),
  ...mediaFields,
  linkPreview: Joi.boolean(),
  mentions: Joi.array().items(recipient).min(1).max(1024),
  mentionAll: Joi.boolean().description('Mentions every member of a group'),
  quotedMessageId: id.description('Answers that message of the same chat'),
  location,
  contacts,
  poll,
  list,
  buttons,
  reaction,
  statusPost,
  presence,
};

/** Where the file of a message may come from. */
const SOURCES = ['mediaId', 'mediaUrl', 'media', 'file'] as const satisfies Field[];
const FILE_FIELDS: Field[] = [...SOURCES, 'fileName', 'mimetype'];

const FIELDS = Object.keys(draftFields).filter((name) => name !== 'to' && name !== 'type') as Field[];

interface Fault {
  code: string;
  path: (string | number)[];
}

const needed = (path: (string | number)[]): Fault => ({ code: 'draft.needed', path });

/** What joi cannot say field by field; the first fault of a draft whose fields are each well formed. */
function faultOf(draft: DraftRequest): Fault | null {
  const { takes } = TYPES[draft.type];
  const needs = draft.type === 'status' ? statusNeeds(draft) : TYPES[draft.type].needs;
  const isTaken = (field: Field) =>
    field === needs || takes.includes(field) || (needs === 'a file' && FILE_FIELDS.includes(field));
  const alien = FIELDS.find((field) => draft[field] !== undefined && !isTaken(field));
  if (alien) return { code: 'draft.alien', path: [alien] };
  if (draft.type === 'status' && draft.to !== undefined) return { code: 'draft.alien', path: ['to'] };
  if (draft.to === undefined && draft.type !== 'status' && draft.type !== 'reaction') return needed(['to']);
  if (needs === 'a file') return fileFault(draft) ?? insideFault(draft);
  if (needs && draft[needs] === undefined) return needed([needs]);
  return insideFault(draft);
}

const statusNeeds = ({ statusPost: post }: DraftRequest) =>
  (post?.type ?? 'text') === 'text' ? ('message' as const) : ('a file' as const);

/** From one place, and from one only. */
function fileFault(draft: DraftRequest): Fault | null {
  const given = SOURCES.filter((field) => draft[field] !== undefined);
  if (given.length === 0) return { code: 'draft.file', path: ['mediaId'] };
  if (given.length > 1) return { code: 'draft.files', path: [given[1]!] };
  return null;
}

function insideFault(draft: DraftRequest): Fault | null {
  const { poll: asked, mentionAll, to } = draft;
  if (mentionAll === true && !to!.startsWith('group:')) return { code: 'draft.group', path: ['mentionAll'] };
  if (asked && asked.selectableCount > asked.options.length) {
    return { code: 'draft.selectable', path: ['poll', 'selectableCount'] };
  }
  return buttonFault(draft);
}

const BUTTON_NEEDS = { reply: 'id', url: 'url', call: 'phoneNumber', copy: 'code' } as const;

function buttonFault({ buttons: asked }: DraftRequest): Fault | null {
  const index = asked?.items.findIndex((item) => item[BUTTON_NEEDS[item.type]] === undefined) ?? -1;
  if (index < 0) return null;
  return needed(['buttons', 'items', index, BUTTON_NEEDS[asked!.items[index]!.type]]);
}

/** Joi documents `localize`, which puts an error where it belongs, in its extensions only. */
interface Localizing {
  path: (string | number)[];
  localize(path: (string | number)[], ancestors: unknown[], schema: null): Joi.State;
}

/** A body with the fields of a draft, and a check that they go together. `example`: a whole body that is right. */
export const draftBody = <T>(fields: Joi.PartialSchemaMap, example: object): Joi.ObjectSchema<T> =>
  Joi.object({ ...fields, ...draftFields })
    .custom((draft: DraftRequest, helpers) => {
      const fault = faultOf(draft);
      if (!fault) return draft;
      const state = helpers.state as unknown as Localizing;
      const place = state.localize([...state.path, ...fault.path], [draft], null);
      return helpers.error(fault.code, { type: draft.type }, place);
    })
    .messages({
      'draft.needed': '{{#label}} is required in a message of type {{#type}}',
      'draft.alien': '{{#label}} does not go with a message of type {{#type}}',
      'draft.file': 'A message of type {{#type}} needs one of mediaId, mediaUrl, media, or a file in a form',
      'draft.files': '{{#label}} is one place too many for the file to come from',
      'draft.group': '{{#label}} is for groups',
      'draft.selectable': '{{#label}} must not be more than there are options',
    })
    .example(example)
    .example({ ...example, type: 'image', mediaId: 1 })
    .example({ ...example, message: undefined, type: 'reaction', reaction: { messageId: 1, emoji: '👍' } });
