/** `npm start`: PostgreSQL, Redis, two sandbox nodes, nginx and the gateway. `--watch` restarts the gateway on a change. */
import { launch } from './bootstrap.mjs';

await launch('main.ts', process.argv.slice(2));
