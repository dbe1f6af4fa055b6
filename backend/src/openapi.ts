import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { accountController } from './controllers/account.controller.js';
import { keyController } from './controllers/key.controller.js';
import { authController } from './controllers/auth.controller.js';
import { bulkController } from './controllers/bulk.controller.js';
import { connectLinkController } from './controllers/connect-link.controller.js';
import { contactController } from './controllers/contact.controller.js';
import { dataController } from './controllers/data.controller.js';
import { eventController } from './controllers/event.controller.js';
import { groupController } from './controllers/group.controller.js';
import { healthController } from './controllers/health.controller.js';
import { historyController } from './controllers/history.controller.js';
import { inboundController } from './controllers/inbound.controller.js';
import { mediaController } from './controllers/media.controller.js';
import { messageActionController } from './controllers/message-action.controller.js';
import { messageController } from './controllers/message.controller.js';
import { outboxController } from './controllers/outbox.controller.js';
import { paceController } from './controllers/pace.controller.js';
import { phoneLifeController } from './controllers/phone-life.controller.js';
import { phoneController } from './controllers/phone.controller.js';
import { poolController } from './controllers/pool.controller.js';
import { webhookController } from './controllers/webhook.controller.js';
import { announcements } from './routes/event-shapes.js';
import { endpoints, inboundEndpoints } from './routes/index.js';
import type { Endpoint } from './utils/endpoint.js';
import { withEndpoints } from './utils/endpoint-page.js';
import { openapi } from './utils/openapi.js';
import { problemsMarkdown } from './utils/problem-page.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Describing the API calls nothing, so the controllers get no services. */
const nothing = undefined as never;

/** Every row of both listeners, to be read and not to be called. */
export function describedEndpoints(): { public: Endpoint[]; inbound: Endpoint[] } {
  const controllers = {
    account: accountController({ accounts: nothing, users: nothing, audit: nothing, quotas: nothing }),
    auth: authController({
      auth: nothing,
      accounts: nothing,
      sessions: nothing,
      emails: nothing,
      secondFactors: nothing,
    }),
    keys: keyController({ keys: nothing }),
    bulks: bulkController({ bulks: nothing, quotas: nothing }),
    data: dataController({ exports: nothing, removing: nothing, erasing: nothing }),
    connectLinks: connectLinkController({ connectLinks: nothing }),
    contacts: contactController({ directory: nothing, contacts: nothing }),
    events: eventController({ events: nothing }),
    groups: groupController({ directory: nothing, groups: nothing }),
    health: healthController({ health: nothing }),
    history: historyController({ history: nothing }),
    inbound: inboundController({ inbound: nothing }),
    life: phoneLifeController({ life: nothing }),
    media: mediaController({ media: nothing }),
    messageActions: messageActionController({ actions: nothing }),
    messages: messageController({ messages: nothing, quotas: nothing }),
    outbox: outboxController({ outbox: nothing }),
    pace: paceController({ pace: nothing, phones: nothing, tuning: nothing }),
    phones: phoneController({ phones: nothing }),
    pool: poolController({ pool: nothing, adopting: nothing }),
    webhooks: webhookController({ webhooks: nothing, events: [] }),
  };
  return { public: endpoints(controllers), inbound: inboundEndpoints(controllers) };
}

/** The generated documents, by their path from the root of the repository. */
export function documents(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(`${root}backend/package.json`, 'utf8')) as { version: string };
  const rows = describedEndpoints().public;
  return {
    'README.md': withEndpoints(readFileSync(`${root}README.md`, 'utf8'), rows),
    'docs/openapi.json': `${JSON.stringify(openapi(rows, { version, announcements }), null, 2)}\n`,
    'docs/problems.md': problemsMarkdown(),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(`${root}docs`, { recursive: true });
  for (const [path, text] of Object.entries(documents())) writeFileSync(root + path, text);
}
