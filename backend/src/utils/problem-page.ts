import { catalogue, type ProblemCode } from './problem.js';

const codes = Object.keys(catalogue) as ProblemCode[];

const INTRODUCTION =
  'Every error is answered as `application/problem+json` (RFC 9457): `type`, `title`, `status`, `code`, `detail`, ' +
  '`requestId` and, where fields are at fault, `errors` of `pointer`, `code`, `params` and `detail`. Switch on `code`; ' +
  'it never changes. A pointer such as `/phoneId` leads into the body; query parameters begin with `/query`, path ' +
  'parameters with `/path`, headers with `/headers`.';

/** docs/problems.md. */
export const problemsMarkdown = (): string =>
  [
    '# Problems',
    '',
    'Generated from `backend/src/utils/problem.ts` by `npm run openapi`.',
    '',
    INTRODUCTION,
    ...codes.flatMap((code) => {
      const { status, title, remedy } = catalogue[code];
      return ['', `## ${code}`, '', `${status} · ${title}.`, '', remedy];
    }),
    '',
  ].join('\n');

const html = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/`([^`]+)`/g, '<code>$1</code>');

/** The same as a page, with an anchor for each code. */
export const problemPage = (): string =>
  [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Problems</title>',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}',
    'h2{margin-bottom:0}:target{background:#fff3bf}</style></head><body><h1>Problems</h1>',
    `<p>${html(INTRODUCTION)}</p>`,
    ...codes.map((code) => {
      const { status, title, remedy } = catalogue[code];
      return `<section id="${code}"><h2>${code}</h2><p><b>${status}</b> ${html(title)}. ${html(remedy)}</p></section>`;
    }),
    '</body></html>',
  ].join('\n');
