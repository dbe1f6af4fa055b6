import QRCode from 'qrcode';
import type { QrCodes } from '../clients/evolution.fact.js';
import type { Models } from '../models/index.js';
import type { Phone } from '../models/phone.js';
import type { Sealer } from '../utils/crypto.js';
import { qrEvent } from './event-data.js';

export interface QrView extends QrCodes {
  phoneId: number;
  status: string;
  /** A PNG as a data URL, dark on white. */
  image: string;
  expiresAt: string;
}

/** WhatsApp shows a code for about 20 s after the first one's 60; nodes post the next one by themselves. Seconds. */
const LIFETIME = 60;

const contextOf = (phone: Phone) => `qr:${phone.id}`;
const isLive = (phone: Phone): boolean =>
  phone.qr !== null && phone.qrExpiresAt !== null && phone.qrExpiresAt > new Date();

/** What pairs the phone at the moment; null: nothing does. */
const openQr = (phone: Phone, sealer: Sealer): QrCodes | null =>
  isLive(phone) ? (JSON.parse(sealer.open(phone.qr!, contextOf(phone))) as QrCodes) : null;

/** Stores what pairs it now, sealed, and tells the sockets that there is something. What is shown already is left alone. */
export async function storeQr(
  at: { models: Models; phone: Phone; sealer: Sealer },
  { code, pairingCode }: QrCodes,
): Promise<void> {
  const { models, phone, sealer } = at;
  const shown = openQr(phone, sealer);
  if (shown?.code === code && shown.pairingCode === pairingCode) return;
  const expiresAt = new Date(Date.now() + LIFETIME * 1000);
  await models.phones.setQr(
    phone.id,
    sealer.seal(JSON.stringify({ code, pairingCode }), contextOf(phone)),
    expiresAt,
  );
  await models.events.append(phone.userId, [qrEvent(phone.id, expiresAt)]);
}

export async function qrView(phone: Phone, sealer: Sealer): Promise<QrView | null> {
  const codes = openQr(phone, sealer);
  if (!codes) return null;
  const image = await QRCode.toDataURL(codes.code, { margin: 2, scale: 6 });
  return {
    phoneId: phone.id,
    status: phone.status,
    ...codes,
    image,
    expiresAt: phone.qrExpiresAt!.toISOString(),
  };
}
