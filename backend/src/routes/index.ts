import type { accountController } from '../controllers/account.controller.js';
import type { authController } from '../controllers/auth.controller.js';
import type { connectLinkController } from '../controllers/connect-link.controller.js';
import type { contactController } from '../controllers/contact.controller.js';
import type { dataController } from '../controllers/data.controller.js';
import type { eventController } from '../controllers/event.controller.js';
import type { groupController } from '../controllers/group.controller.js';
import type { healthController } from '../controllers/health.controller.js';
import type { bulkController } from '../controllers/bulk.controller.js';
import type { keyController } from '../controllers/key.controller.js';
import type { historyController } from '../controllers/history.controller.js';
import type { outboxController } from '../controllers/outbox.controller.js';
import type { paceController } from '../controllers/pace.controller.js';
import type { inboundController } from '../controllers/inbound.controller.js';
import type { messageActionController } from '../controllers/message-action.controller.js';
import type { mediaController } from '../controllers/media.controller.js';
import type { messageController } from '../controllers/message.controller.js';
import type { phoneLifeController } from '../controllers/phone-life.controller.js';
import type { phoneController } from '../controllers/phone.controller.js';
import type { poolController } from '../controllers/pool.controller.js';
import type { webhookController } from '../controllers/webhook.controller.js';
import type { Endpoint } from '../utils/endpoint.js';
import { accountRoutes } from './account.routes.js';
import { authRoutes } from './auth.routes.js';
import { connectLinkRoutes } from './connect-link.routes.js';
import { contactRoutes } from './contact.routes.js';
import { dataRoutes } from './data.routes.js';
import { eventRoutes } from './event.routes.js';
import { groupRoutes } from './group.routes.js';
import { healthRoutes } from './health.routes.js';
import { bulkRoutes } from './bulk.routes.js';
import { keyRoutes } from './key.routes.js';
import { historyRoutes } from './history.routes.js';
import { outboxRoutes } from './outbox.routes.js';
import { paceRoutes } from './pace.routes.js';
import { inboundRoutes } from './inbound.routes.js';
import { messageActionRoutes } from './message-action.routes.js';
import { mediaRoutes, nodeMediaRoutes } from './media.routes.js';
import { messageRoutes } from './message.routes.js';
import { phoneLifeRoutes } from './phone-life.routes.js';
import { phoneRoutes } from './phone.routes.js';
import { poolRoutes } from './pool.routes.js';
import { webhookRoutes } from './webhook.routes.js';

export interface Controllers {
  account: ReturnType<typeof accountController>;
  keys: ReturnType<typeof keyController>;
  auth: ReturnType<typeof authController>;
  connectLinks: ReturnType<typeof connectLinkController>;
  contacts: ReturnType<typeof contactController>;
  data: ReturnType<typeof dataController>;
  events: ReturnType<typeof eventController>;
  groups: ReturnType<typeof groupController>;
  health: ReturnType<typeof healthController>;
  bulks: ReturnType<typeof bulkController>;
  history: ReturnType<typeof historyController>;
  outbox: ReturnType<typeof outboxController>;
  pace: ReturnType<typeof paceController>;
  inbound: ReturnType<typeof inboundController>;
  messageActions: ReturnType<typeof messageActionController>;
  media: ReturnType<typeof mediaController>;
  messages: ReturnType<typeof messageController>;
  life: ReturnType<typeof phoneLifeController>;
  phones: ReturnType<typeof phoneController>;
  pool: ReturnType<typeof poolController>;
  webhooks: ReturnType<typeof webhookController>;
}

/** Every operation of the public listener. */
export const endpoints = (controllers: Controllers): Endpoint[] => [
  ...authRoutes(controllers.auth),
  ...accountRoutes(controllers.account),
  ...keyRoutes(controllers.keys),
  ...dataRoutes(controllers.data),
  ...phoneRoutes(controllers.phones),
  ...phoneLifeRoutes(controllers.life),
  ...connectLinkRoutes(controllers.connectLinks),
  ...contactRoutes(controllers.contacts),
  ...groupRoutes(controllers.groups),
  ...messageRoutes(controllers.messages),
  ...messageActionRoutes(controllers.messageActions),
  ...bulkRoutes(controllers.bulks),
  ...historyRoutes(controllers.history),
  ...outboxRoutes(controllers.outbox),
  ...paceRoutes(controllers.pace),
  ...mediaRoutes(controllers.media),
  ...webhookRoutes(controllers.webhooks),
  ...poolRoutes(controllers.pool),
  ...eventRoutes(controllers.events),
  ...healthRoutes(controllers.health),
];

/** Every operation of the internal listener. */
export const inboundEndpoints = (controllers: Pick<Controllers, 'inbound' | 'media'>): Endpoint[] => [
  ...inboundRoutes(controllers.inbound),
  ...nodeMediaRoutes(controllers.media),
];
