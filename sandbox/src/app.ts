import express, { type Express } from 'express';
import type { Config } from './config/env.js';
import type { Faults } from './faults/faults.js';
import { strike, type Guards } from './http/middleware.js';
import { onError, onUnknown } from './http/respond.js';
import type { Registry } from './node/registry.js';
import { callRoutes, chatRoutes } from './routes/chat.js';
import { controlRoutes } from './routes/control.js';
import { groupRoutes } from './routes/group.js';
import { instanceRoutes, settingsRoutes, webhookRoutes } from './routes/instance.js';
import { messageRoutes } from './routes/message.js';
import { proxyRoutes } from './routes/proxy.js';
import { serviceRoutes } from './routes/service.js';

type Needs = Parameters<typeof instanceRoutes>[0] &
  Parameters<typeof messageRoutes>[0] &
  Parameters<typeof chatRoutes>[0] &
  Parameters<typeof groupRoutes>[0] &
  Parameters<typeof controlRoutes>[0] &
  Parameters<typeof proxyRoutes>[0] & {
    readonly config: Config;
    readonly faults: Faults;
    readonly guards: Guards;
    readonly registry: Registry;
  };

/** A node's HTTP face: the calls of a real node, and beside them the controls under /sandbox. */
export const createApp = (needs: Needs): Express => {
  const app = express();
  app.disable('x-powered-by');
  app.use(strike(needs.faults));
  app.use(express.json({ limit: '136mb' }));
  app.use('/sandbox', controlRoutes(needs));
  app.use('/instance', instanceRoutes(needs));
  app.use('/webhook', webhookRoutes(needs));
  app.use('/settings', settingsRoutes(needs));
  app.use('/proxy', proxyRoutes(needs));
  app.use('/message', messageRoutes(needs));
  app.use('/chat', chatRoutes(needs));
  app.use('/group', groupRoutes(needs));
  app.use('/call', callRoutes(needs));
  app.use('/', serviceRoutes(needs));
  app.use(onUnknown);
  app.use(onError);
  return app;
};
