import QRCode from 'qrcode';
import { randomBase64 } from '../utils/ids.js';
import type { Json } from '../utils/json.js';
import type { Creds } from '../store/sessions.js';
import type { QrCode } from './instance.js';

/** The text behind a code: a reference that changes each time, and the device's own public keys that do not. */
export const qrText = (creds: Creds): string => {
  const pub = (pair: Json): string => (pair['public'] as { data: string }).data;
  return [
    `2@${randomBase64(60)}`,
    pub(creds.noiseKey),
    pub(creds.signedIdentityKey),
    creds.advSecretKey,
  ].join(',');
};

export const qrImage = (qr: QrCode): Promise<string> => {
  qr.image ??= QRCode.toDataURL(qr.code ?? '', { margin: 3, scale: 4, errorCorrectionLevel: 'H' });
  return qr.image;
};

/** What connect and create answer; before the first code there is only the count. */
export const qrView = async (qr: QrCode): Promise<Json> =>
  qr.code === undefined
    ? { count: qr.count }
    : { pairingCode: qr.pairingCode ?? null, code: qr.code, base64: await qrImage(qr), count: qr.count };
