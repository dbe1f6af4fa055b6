import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import { compose } from './compose.js';
import { readConfig } from './config/env.js';

const GRACE_MS = 1_500;

const listen = (app: Express, port: number, host: string): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = app.listen(port, host, (error) => (error ? reject(error) : resolve(server)));
    server.keepAliveTimeout = 65_000;
  });

const main = async (): Promise<void> => {
  const config = readConfig();
  const node = compose(config);
  await node.start();
  const server = await listen(node.app, config.port, config.host);
  const { port } = server.address() as AddressInfo;

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), GRACE_MS).unref();
    server.close();
    server.closeAllConnections();
    node.stop().then(
      () => process.exit(0),
      () => process.exit(0),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('unhandledRejection', (error) => node.log('error', 'unhandled', { error }));

  await node.load();
  process.stdout.write(`sandbox ${config.name} listening on ${port}\n`);
};

main().catch((error: unknown) => {
  process.stderr.write(`sandbox cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
