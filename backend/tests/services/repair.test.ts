import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readStored } from '../../src/clients/evolution.history.js';
import { missingFacts } from '../../src/services/repair.js';

const file = fileURLToPath(new URL('../../../sandbox/recorded/chat_findMessages.json', import.meta.url));
const records = (JSON.parse(readFileSync(file, 'utf8')) as any[]).flatMap(
  (entry) => entry.response?.body?.messages?.records ?? [],
);
const stored = (id: string) => readStored(records.find((record) => record.key.id === id))!;
const kinds = (facts: { kind: string }[]) => facts.map(({ kind }) => kind);
const known = { whatsappId: 'x', editedAt: null, deletedAt: null };

describe('what a node has stored', () => {
  it('recorded › read › message, sender, direction and the furthest ack', () => {
    expect(records.length).toBeGreaterThan(2);
    expect(records.map(readStored).filter((one) => one === null)).toEqual([]);
    expect(stored('3A286402BB3D0DE6E083')).toMatchObject({
      fromMe: false,
      ack: null,
      content: 'Hi, I need help',
    });
    expect(stored('3EB0A1C7EF590ED51207C6')).toMatchObject({ fromMe: true, ack: 'read', isDeleted: false });
  });

  it.each([
    ['3A286402BB3D0DE6E083', undefined, ['person', 'message']],
    [
      '3A286402BB3D0DE6E083',
      { ...known, direction: 'in', status: 'received', content: 'Hi, I need help' },
      [],
    ],
    ['3EB0A1C7EF590ED51207C6', undefined, ['echo', 'ack']],
    ['3EB0A1C7EF590ED51207C6', { ...known, direction: 'out', status: 'sent', content: 'ack lid' }, ['ack']],
    ['3EB0A1C7EF590ED51207C6', { ...known, direction: 'out', status: 'read', content: 'ack lid' }, []],
    ['3EB0A1C7EF590ED51207C6', { ...known, direction: 'out', status: 'played', content: 'ack lid' }, []],
  ] as const)('%s › compared with what is here (%o) › lacks %j', (id, here, lacking) => {
    expect(kinds(missingFacts(stored(id), here as never))).toEqual(lacking);
  });

  it('edited or deleted since › compared › told once, and with the node’s words', () => {
    const one = { ...stored('3A286402BB3D0DE6E083'), isEdited: true, isDeleted: true, content: 'new words' };
    const here = { ...known, direction: 'in' as const, status: 'received', content: 'Hi, I need help' };
    expect(kinds(missingFacts(one, here))).toEqual(['edited', 'deleted']);
    const later = {
      ...here,
      content: 'newer words',
      editedAt: new Date(one.at.getTime() + 1000),
      deletedAt: new Date(),
    };
    expect(missingFacts(one, later)).toEqual([]);
  });
});
