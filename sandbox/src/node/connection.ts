import type { Socket } from '../network/mail.js';
import { jidOf, pictureOf } from '../network/jid.js';
import type { Envelope } from '../network/network.js';
import { uuid } from '../utils/ids.js';
import type { Context } from './context.js';
import { describeEnding, isFinal, kicked, loggedOut, restartRequired, unreachable } from './endings.js';
import { ownNumber, type Client, type Ending, type Instance, type State } from './instance.js';
import type { Pairing } from './pairing.js';

type Needs = Pick<
  Context,
  'config' | 'log' | 'faults' | 'network' | 'mail' | 'sessions' | 'instances' | 'emitter'
> & {
  readonly pairing: Pairing;
  /** Does what an envelope asks of an instance. */
  readonly receive: (instance: Instance, envelope: Envelope) => Promise<void>;
  /** What follows an ending for good: the webhook `logout.instance`, then the credentials go. */
  readonly afterLogout: (instance: Instance) => Promise<void>;
};

export interface ConnectOptions {
  readonly number?: string | undefined;
  /** Whether a person asked for it, who then scans the code. */
  readonly asked: boolean;
}

/** The life of an instance's connection: dial, pair or open, end, dial again. */
export const createConnection = (needs: Needs) => {
  const { config, log, faults, network, mail, instances, emitter, pairing } = needs;

  const change = (instance: Instance, state: State, statusReason = 200): void => {
    instance.state = state;
    instance.statusReason = statusReason;
  };
  const report = (instance: Instance, facts: object = {}): void => {
    const { state, statusReason } = instance;
    void emitter.emit(instance, 'connection.update', {
      instance: instance.name,
      ...facts,
      state,
      statusReason,
    });
  };
  const write = (facts: Parameters<typeof instances.writeConnection>[0]): void =>
    void instances
      .writeConnection(facts)
      .catch((error: unknown) => log('warn', 'instance.unwritten', { error }));

  const onOpen = (instance: Instance, client: Client): void => {
    client.stage = 'open';
    change(instance, 'open');
    instance.wuid = jidOf(ownNumber(instance));
    instance.profilePicUrl = pictureOf(instance.wuid);
    write({
      id: instance.id,
      connectionStatus: 'open',
      ownerJid: instance.wuid,
      profilePicUrl: instance.profilePicUrl,
    });
    report(instance, { wuid: instance.wuid, profilePictureUrl: instance.profilePicUrl });
  };
  /** Ended for good: told in three webhooks, and the credentials are dropped. */
  const onFinal = (instance: Instance, ending: Ending): void => {
    const reason = describeEnding(ending);
    void emitter.emit(instance, 'status.instance', {
      instance: instance.name,
      status: 'closed',
      disconnectionAt: new Date(),
      disconnectionReasonCode: ending.code,
      disconnectionObject: reason,
    });
    write({ id: instance.id, connectionStatus: 'close', reasonCode: ending.code, reason });
    report(instance);
    void needs.afterLogout(instance);
  };
  const onEnd = (instance: Instance, ending: Ending): void => {
    change(instance, 'close', ending.code);
    if (instance.endSession || instance.removed) return;
    if (isFinal(ending)) return onFinal(instance, ending);
    // A socket that was replaced, or found nobody, pauses; a restart is immediate.
    const pause = ending.code === 440 || ending === unreachable ? config.reconnectMs : 10;
    setTimeout(() => void connect(instance, { number: instance.phoneNumber, asked: false }), pause);
  };

  const socketOf = (instance: Instance, client: Client): Socket => ({
    id: client.id,
    device: client.creds.deviceKey!,
    deliver: (envelope) => needs.receive(instance, envelope),
    kick: (code) => client.end(kicked(code)),
  });
  const dial = async (instance: Instance, client: Client): Promise<void> => {
    const socket = socketOf(instance, client);
    const ended = client.end;
    client.end = (ending) => {
      mail.detach(socket);
      ended(ending);
    };
    mail.expect(socket);
    const opened = await network.open({ key: socket.device, socket: socket.id });
    if (client.stage === 'ended') return mail.detach(socket);
    if ('code' in opened) return client.end(kicked(opened.code));
    if (instance.client !== client) instance.client = client;
    onOpen(instance, client);
    if (faults.take(['replaced'], { instance: instance.name })) {
      setTimeout(() => client.end(kicked(440)), config.openMs);
    }
    await mail.attach(socket);
  };
  const onLimit = (instance: Instance, client: Client): void => {
    instance.endSession = true;
    void emitter.emit(instance, 'qrcode.updated', {
      message: 'QR code limit reached, please login again',
      statusCode: 500,
    });
    void emitter.emit(instance, 'connection.update', {
      instance: instance.name,
      state: 'refused',
      statusReason: 428,
      wuid: instance.wuid,
      profilePictureUrl: instance.profilePicUrl,
    });
    client.end(loggedOut(instance.name));
    instance.qr.count = 0;
    delete instance.qr.code;
  };
  const proceed = async (instance: Instance, client: Client, asked: boolean): Promise<void> => {
    if (client.stage === 'ended') return;
    if (instance.removed) return client.end(unreachable);
    if (faults.has('unreachable', { instance: instance.name })) return client.end(unreachable);
    if (client.creds.registered && client.creds.deviceKey) return dial(instance, client);
    client.paired = (creds) => {
      client.creds = creds;
      client.end(restartRequired);
    };
    return pairing.start(instance, client, asked, () => onLimit(instance, client));
  };

  /** Starts one more client, whatever others there are; resolves once it dials. A real node sets no lock here either. */
  const connect = async (instance: Instance, { number, asked }: ConnectOptions): Promise<void> => {
    if (instance.removed) return;
    try {
      instance.endSession = false;
      instance.phoneNumber = number || undefined;
      const client: Client = {
        id: uuid(),
        creds: await pairing.credsOf(instance),
        stage: 'dialling',
        end: (ending) => {
          if (client.stage === 'ended') return;
          client.stage = 'ended';
          onEnd(instance, ending);
        },
      };
      instance.client = client;
      change(instance, 'connecting');
      report(instance);
      setTimeout(() => {
        proceed(instance, client, asked).catch((error: unknown) => {
          log('warn', 'connection.failed', { instance: instance.name, error });
          client.end(unreachable);
        });
      }, config.openMs);
    } catch (error) {
      log('warn', 'connection.failed', { instance: instance.name, error });
      setTimeout(() => void connect(instance, { number, asked }), config.reconnectMs);
    }
  };
  return { connect };
};

export type Connection = ReturnType<typeof createConnection>;
