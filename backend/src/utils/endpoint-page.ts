import type { Endpoint } from './endpoint.js';

const BEGIN = /(<!-- endpoints:[^\n]*-->\n)[\s\S]*?(<!-- \/endpoints -->)/;

/** A page with a table of all endpoints, a line each, where its markers are. @throws Error for a page without them */
export function withEndpoints(page: string, endpoints: readonly Endpoint[]): string {
  if (!BEGIN.test(page)) throw new Error('The page has no place for endpoints');
  const tags = [...new Set(endpoints.map(({ tag }) => tag))];
  const lines = tags.flatMap((tag) =>
    endpoints
      .filter((row) => row.tag === tag)
      .map(({ method, path, summary }) => `| ${tag} | \`${method.toUpperCase()} ${path}\` | ${summary} |`),
  );
  const table = ['', '| | endpoint | does |', '|---|---|---|', ...lines, '', ''].join('\n');
  return page.replace(BEGIN, (_all, begin: string, end: string) => `${begin}${table}${end}`);
}
