/** `npm run admin`, `npm run reseal`: on the database that is named, else on that of the `npm start` beside it. */
import { launch } from './bootstrap.mjs';

await launch('command.ts', process.argv.slice(2));
