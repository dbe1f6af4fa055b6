import Joi from 'joi';
import type {
  BlockInput,
  CheckInput,
  contactController,
  ListContactsInput,
  PictureInput,
  ProfileInput,
} from '../controllers/contact.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { oneForm } from '../utils/number.js';
import type { ProblemCode } from '../utils/problem.js';
import { id, listOf, page, phoneNumber, time } from './shapes.js';

const params = Joi.object({ id: id.required() });
export const search = Joi.string().trim().min(1).max(100);
const link = Joi.string().allow(null).required();
export const contactName = Joi.string()
  .pattern(/^(\+[1-9]\d{6,14}|lid:\d{5,20})$/, 'a number such as +628987654321, or lid:<digits>')
  // By no numbering plan: who is erased may have been let in before we knew one.
  .custom((value: string) => oneForm(value))
  .example('+628987654321')
  .description('A number in E.164 with +, or `lid:<id>`');

const contact = Joi.object({
  contact: Joi.string().required().description('A number, or `lid:<id>` while WhatsApp gives none'),
  lid: Joi.string().allow(null).required(),
  name: Joi.string().allow(null).required().description('As they call themselves'),
  pictureUrl: link.description("At WhatsApp's, which takes it away after some days"),
}).id('Contact');

const blocked = Joi.object({ contact: Joi.string().required(), isBlocked: Joi.boolean().required() }).id(
  'Blocked',
);

const atNode: ProblemCode[] = ['not_found', 'phone_offline'];

export const contactRoutes = (contacts: ReturnType<typeof contactController>): Endpoint[] => [
  endpoint<ListContactsInput>({
    method: 'get',
    path: '/api/phones/:id/contacts',
    access: 'contacts:read',
    tag: 'Contacts',
    summary: 'List the contacts of a phone, and search them',
    description: 'By number. Its node is asked for more at most every five minutes.',
    input: {
      params,
      query: Joi.object({ ...page, search: search.description('Anywhere in a name or a number') }),
    },
    output: { 200: listOf(contact) },
    problems: ['not_found'],
    handler: contacts.list,
  }),
  endpoint<CheckInput>({
    method: 'post',
    path: '/api/phones/:id/check',
    access: 'contacts:read',
    tag: 'Contacts',
    summary: 'Find out which numbers are on WhatsApp',
    description:
      'In their order. An answer is kept for a week, for an hour where the number is not on WhatsApp; beyond those a phone ' +
      'asks about at most `CHECKS_PER_MINUTE` numbers a minute.',
    input: {
      params,
      body: Joi.object({
        numbers: Joi.array().items(phoneNumber).min(1).max(50).unique().required().example(['+628987654321']),
      }),
    },
    output: {
      200: Joi.object({
        data: Joi.array()
          .items(
            Joi.object({
              number: Joi.string().required(),
              isOnWhatsapp: Joi.boolean().required(),
              checkedAt: time.required(),
            }),
          )
          .required(),
      }).id('NumberChecks'),
    },
    problems: [...atNode, 'too_many_requests'],
    handler: contacts.check,
  }),
  endpoint<PictureInput>({
    method: 'get',
    path: '/api/phones/:id/picture',
    access: 'contacts:read',
    tag: 'Contacts',
    summary: 'Find the profile picture of somebody',
    input: { params, query: Joi.object({ of: phoneNumber.required() }) },
    output: { 200: Joi.object({ of: Joi.string().required(), pictureUrl: link }).id('Picture') },
    problems: atNode,
    handler: contacts.picture,
  }),
  endpoint<BlockInput>({
    method: 'post',
    path: '/api/phones/:id/block',
    access: 'contacts:write',
    tag: 'Contacts',
    summary: 'Block a contact',
    input: { params, body: Joi.object({ contact: contactName.required() }) },
    output: { 200: blocked },
    problems: atNode,
    handler: contacts.block,
  }),
  endpoint<BlockInput>({
    method: 'post',
    path: '/api/phones/:id/unblock',
    access: 'contacts:write',
    tag: 'Contacts',
    summary: 'Unblock a contact',
    input: { params, body: Joi.object({ contact: contactName.required() }) },
    output: { 200: blocked },
    problems: atNode,
    handler: contacts.unblock,
  }),
  endpoint<ProfileInput>({
    method: 'patch',
    path: '/api/phones/:id/profile',
    access: 'phones:write',
    tag: 'Phones',
    summary: 'Change how a phone shows itself: name, about, picture',
    description: 'WhatsApp itself remembers it. A picture is a JPEG or PNG that is stored here.',
    input: {
      params,
      body: Joi.object({
        name: Joi.string().trim().min(1).max(25).prefs({ convert: true }).example('My Shop'),
        about: Joi.string().max(139).example('Open from 9 to 5'),
        pictureMediaId: id.allow(null).description('null takes the picture away'),
      })
        .min(1)
        .example({ name: 'My Shop' }),
    },
    output: { 204: null },
    problems: [...atNode, 'unprocessable', 'media_not_stored'],
    handler: contacts.changeProfile,
  }),
];
