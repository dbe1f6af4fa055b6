import { setTimeout as delay } from 'node:timers/promises';
import { createTransport } from 'nodemailer';
import type { Logger } from '../config/logger.js';

export interface Mail {
  to: string;
  subject: string;
  text: string;
}

export type MailClient = ReturnType<typeof mailClient>;

/** Milliseconds before each further try: a server that is being restarted is back by then. */
const AGAIN_MS = [1000, 10_000];
const SILENT_MS = 15_000;

/**
 * Sends mail through an SMTP server (`smtp://user:password@host:587`, `smtps://…`). Without one, in development, what
 * would be sent is logged, so that its link can be opened; in production the feature is off.
 */
export function mailClient(settings: {
  url: string;
  from: string;
  isProduction: boolean;
  logger: Pick<Logger, 'info' | 'error'>;
}) {
  const { url, from, logger } = settings;
  const transport = url
    ? createTransport(
        { url, connectionTimeout: SILENT_MS, greetingTimeout: SILENT_MS, socketTimeout: SILENT_MS },
        { from },
      )
    : null;
  const closing = new AbortController();

  async function trySend(transporter: NonNullable<typeof transport>, mail: Mail): Promise<void> {
    for (const wait of [...AGAIN_MS, null]) {
      try {
        await transporter.sendMail(mail);
        return;
      } catch (error) {
        // 5yz is the server's last word (RFC 5321, 4.2.1).
        const isFinal = Number((error as { responseCode?: number }).responseCode) >= 500;
        if (wait === null || isFinal) throw error;
        await delay(wait, undefined, { signal: closing.signal });
      }
    }
  }

  return {
    isOn: transport !== null || !settings.isProduction,

    /** Sends it in the background, since who asked must not learn from the time it takes whether there was anybody to send it to. */
    post(mail: Mail): void {
      if (!transport) {
        if (!settings.isProduction) logger.info('mail (SMTP_URL is not set)', { ...mail });
        return;
      }
      trySend(transport, mail).catch((error: unknown) =>
        logger.error('mail not sent', { subject: mail.subject, error: (error as Error).message }),
      );
    },

    close(): void {
      closing.abort();
      transport?.close();
    },
  };
}
