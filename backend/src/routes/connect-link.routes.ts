import Joi from 'joi';
import type {
  ConnectLinkInput,
  connectLinkController,
  ConnectStateInput,
} from '../controllers/connect-link.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { signed } from './media.routes.js';
import { id, time } from './shapes.js';

const params = Joi.object({ id: id.required() });
const DAY = 86_400;

export const connectLinkRoutes = (links: ReturnType<typeof connectLinkController>): Endpoint[] => [
  endpoint<ConnectLinkInput>({
    method: 'post',
    path: '/api/phones/:id/connect-link',
    access: 'phones:write',
    tag: 'Phones',
    summary: 'Make a link by which a customer pairs a phone without an account',
    description:
      'It opens a page that shows the QR code, or the code to type, until the phone is connected. Whoever has the link can pair it until it expires.',
    input: {
      params,
      body: Joi.object({
        method: Joi.string().valid('qr', 'pairingCode').default('qr'),
        expiresIn: Joi.number()
          .integer()
          .min(60)
          .max(7 * DAY)
          .default(DAY)
          .description('Seconds'),
      }),
    },
    output: {
      201: Joi.object({ url: Joi.string().required(), expiresAt: time.required() }).id('ConnectLink'),
    },
    problems: ['not_found', 'phone_connected', 'phone_offline'],
    handler: links.create,
  }),
  endpoint<ConnectStateInput>({
    method: 'get',
    path: '/api/connect/:id',
    access: 'public',
    limit: 'none',
    tag: 'Phones',
    summary: 'The page of a connect link',
    input: { params, query: signed },
    output: { 200: Joi.binary().meta({ mediaType: 'text/html' }) },
    problems: [],
    handler: links.page,
  }),
  endpoint<ConnectStateInput>({
    method: 'get',
    path: '/api/connect/:id/state',
    access: 'public',
    limit: 'none',
    tag: 'Phones',
    summary: 'What the page of a connect link shows',
    input: { params, query: signed.fork(['expires', 'signature'], (key) => key.required()) },
    output: {
      200: Joi.object({
        status: Joi.string().required(),
        isConnected: Joi.boolean().required(),
        deviceName: Joi.string().required(),
        image: Joi.string().allow(null).required().description('A PNG as a data URL'),
        pairingCode: Joi.string().allow(null).required(),
      }).id('ConnectState'),
    },
    problems: ['not_found'],
    handler: links.state,
  }),
];
