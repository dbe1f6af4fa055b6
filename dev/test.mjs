/** `npm test`: everything, on servers of its own. `--project backend`, `--long`, and any argument of jest. */
import { launch } from './bootstrap.mjs';

await launch('test.ts', process.argv.slice(2));
