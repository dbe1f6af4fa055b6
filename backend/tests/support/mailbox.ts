import { SMTPServer } from 'smtp-server';
import type { AddressInfo } from 'node:net';
import { until } from './until.js';

export interface Received {
  to: string;
  raw: string;
}

/** A real SMTP server that keeps what it gets. `refuse`: how many mails are first answered "try later". */
export async function startMailbox({ refuse = 0 } = {}) {
  const mails: Received[] = [];
  let refused = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (refused < refuse) {
          refused += 1;
          done(Object.assign(new Error('try later'), { responseCode: 451 }));
          return;
        }
        // Quoted-printable, as links are longer than its lines.
        const raw = Buffer.concat(chunks).toString().replace(/=\r\n/g, '').replace(/=3D/g, '=');
        for (const { address } of session.envelope.rcptTo) mails.push({ to: address, raw });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    /** The link of the latest mail of a kind to somebody, once it came. */
    async link(to: string, page: string, after = 0): Promise<string> {
      return until<string | null>(`a mail to ${to}`, () => {
        const found = mails
          .slice(after)
          .filter((mail) => mail.to === to)
          .map(({ raw }) => new RegExp(`https?://\\S+${page}\\?token=\\S+`).exec(raw)?.[0]);
        return found.filter((one) => one !== undefined).at(-1) ?? null;
      });
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
export type Mailbox = Awaited<ReturnType<typeof startMailbox>>;
