import { lidOf, jidOf } from '../network/jid.js';
import { freshCreds, type Creds } from '../store/sessions.js';
import { pairingCode } from '../utils/ids.js';
import type { Context } from './context.js';
import type { Client, Instance } from './instance.js';
import { qrImage, qrText } from './qr.js';

type Needs = Pick<Context, 'config' | 'log' | 'faults' | 'network' | 'sessions' | 'instances' | 'emitter'>;

/** A made-up number for an instance that was created without one: the same each time, and with ordinary last digits. */
const madeUpNumber = (name: string): string => {
  let hash = 7;
  for (const char of name) hash = (hash * 31 + char.charCodeAt(0)) % 90_000_000;
  return `62899${String(10_000_000 + hash)}`;
};

/** Another number than the right one, for the phone that should not have scanned. */
const otherNumber = (number: string): string =>
  `${number.slice(0, -1)}${(Number(number.slice(-1)) + 1) % 10}`;

/**
 * The part of a connection before there are credentials: codes that rotate, and phones that scan them.
 * A code is scanned by itself after `scanMs` if somebody asked for it or the instance was never paired, so that a
 * session whose credentials went missing waits for ever, as it would in life.
 */
export const createPairing = ({ config, log, faults, network, sessions, instances, emitter }: Needs) => {
  const show = (instance: Instance, client: Client): void => {
    const { qr } = instance;
    qr.count += 1;
    qr.code = qrText(client.creds);
    delete qr.image;
    if (instance.phoneNumber) qr.pairingCode ??= pairingCode();
    else delete qr.pairingCode;
    void instances
      .writeConnection({ id: instance.id, connectionStatus: 'connecting' })
      .catch(() => undefined);
    void emitter.emit(instance, 'qrcode.updated', async () => ({
      qrcode: {
        instance: instance.name,
        pairingCode: qr.pairingCode ?? null,
        code: qr.code,
        base64: await qrImage(qr),
      },
    }));
  };
  /** Real nodes write who we are as soon as a pairing code is asked for: sends then look successful (see `send.ts`). */
  const claim = async (instance: Instance, client: Client): Promise<void> => {
    if (!instance.phoneNumber || client.creds.me) return;
    client.creds = {
      ...client.creds,
      me: { id: jidOf(instance.phoneNumber), name: '~' },
      pairingCode: pairingCode(),
    };
    await sessions.save({ id: instance.id, creds: client.creds }).catch(() => undefined);
  };

  /** What a phone and a device settle between them; the keys first, so that credentials never come without them. */
  const settle = async (instance: Instance, client: Client, number: string): Promise<Creds | null> => {
    const device = await network.link(number);
    if (!device) return null;
    const { key, slot } = device;
    const me = { id: `${number}:${slot}@s.whatsapp.net`, lid: lidOf(number).replace('@', `:${slot}@`) };
    const creds: Creds = { ...client.creds, registered: true, deviceKey: key, me };
    try {
      await sessions.writeKeys(instance.id, key, number);
      await sessions.save({ id: instance.id, creds });
    } catch (error) {
      await network.remove(key, 401);
      throw error;
    }
    await network.relay({ device: null, instance: instance.name, kind: 'pair', sender: number });
    if (config.ownerOnline) await network.setAccount(number, { online: true });
    return creds;
  };
  /** Links the phone's number with what this client shows. @returns false when it shows nothing, or the number is banned. */
  const scan = async (instance: Instance, number: string): Promise<boolean> => {
    const { client } = instance;
    if (client?.stage !== 'pairing') return false;
    // A code serves one phone: a second scan of it finds nothing.
    client.stage = 'scanned';
    let creds: Creds | null = null;
    try {
      creds = await settle(instance, client, number);
    } finally {
      if (!creds && client.stage === 'scanned') client.stage = 'pairing';
    }
    if (!creds) return false;
    log('info', 'instance.paired', { instance: instance.name, number });
    instance.everPaired = true;
    client.paired?.(creds);
    return true;
  };
  const phoneOf = (instance: Instance): string => {
    const right = instance.phoneNumber ?? instance.number?.replace(/\D/g, '') ?? '';
    const number = right || madeUpNumber(instance.name);
    const wrong = faults.take(['wrongNumberScan'], { instance: instance.name })?.wrongNumberScan;
    return wrong ? (wrong === true ? otherNumber(number) : wrong) : number;
  };
  /** Shows codes until one is scanned, the client ends, or the limit is reached (then `onLimit`). */
  const start = async (
    instance: Instance,
    client: Client,
    asked: boolean,
    onLimit: () => void,
  ): Promise<void> => {
    client.stage = 'pairing';
    await claim(instance, client);
    const turn = (): void => {
      if (client.stage === 'scanned') return void setTimeout(turn, config.qrMs);
      if (client.stage !== 'pairing') return;
      if (instance.qr.count >= config.qrLimit) return onLimit();
      show(instance, client);
      setTimeout(turn, config.qrMs);
    };
    turn();
    if (config.scanMs > 0 && (asked || !instance.everPaired)) {
      setTimeout(() => {
        if (client.stage === 'pairing' && instance.client === client)
          scan(instance, phoneOf(instance)).catch((error: unknown) => log('error', 'scan.failed', { error }));
      }, config.scanMs);
    }
  };

  /** Credentials of the instance, or new ones that are written at once, as real nodes do when they find none. */
  const credsOf = async (instance: Instance): Promise<Creds> => {
    const known = await sessions.load(instance.id);
    if (known) return known;
    const creds = freshCreds();
    await sessions.save({ id: instance.id, creds }).catch(() => undefined);
    return creds;
  };
  return { scan, start, credsOf };
};

export type Pairing = ReturnType<typeof createPairing>;
