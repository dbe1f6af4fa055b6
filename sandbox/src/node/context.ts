import type { Config } from '../config/env.js';
import type { Faults } from '../faults/faults.js';
import type { Groups } from '../network/groups.js';
import type { Mail } from '../network/mail.js';
import type { MediaStore } from '../network/media.js';
import type { Network } from '../network/network.js';
import type { Contacts } from '../store/contacts.js';
import type { Instances, SettingsStore } from '../store/instances.js';
import type { Messages } from '../store/messages.js';
import type { Sessions } from '../store/sessions.js';
import type { Webhooks } from '../store/webhooks.js';
import type { Log } from '../utils/log.js';
import type { Emitter } from '../webhook/emitter.js';

/** All that a node consists of; each part takes the few it names. */
export interface Context {
  readonly config: Config;
  readonly log: Log;
  readonly faults: Faults;
  readonly network: Network;
  readonly mail: Mail;
  readonly groups: Groups;
  readonly media: MediaStore;
  readonly instances: Instances;
  readonly settings: SettingsStore;
  readonly webhooks: Webhooks;
  readonly sessions: Sessions;
  readonly messages: Messages;
  readonly contacts: Contacts;
  readonly emitter: Emitter;
}
