/** For `like`: what is looked for, anywhere in a text; its own wildcards are letters like any. */
export const patternOf = (search: string): string => `%${search.replace(/[\\%_]/g, '\\$&')}%`;
