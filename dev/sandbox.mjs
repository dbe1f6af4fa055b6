/** `npm run sandbox`: one simulated node beside a gateway that `npm run dev` in backend/ runs. */
import { launch } from './bootstrap.mjs';

await launch('sandbox.ts', process.argv.slice(2));
