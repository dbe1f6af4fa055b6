import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { statusAfter, UNDECIDED, type StatusFact } from '../../src/services/status.js';
import type { MessageStatus } from '../../src/models/message.js';

const FACTS: StatusFact[] = ['sent', 'delivered', 'read', 'played'];
const RANK: Record<string, number> = { queued: 1, sending: 2, sent: 3, delivered: 4, read: 5, played: 6 };

describe('status of a message', () => {
  it.each([
    ['sending', null, 'sent', 'sent'],
    ['sent', null, 'delivered', 'delivered'],
    ['sent', null, 'read', 'read'],
    ['read', null, 'delivered', null],
    ['played', null, 'read', null],
    ['sent', null, 'sent', null],
    ['unknown', 'answer_lost', 'sent', 'sent'],
    ['unknown', 'answer_lost', 'read', 'read'],
    ['failed', UNDECIDED, 'delivered', 'delivered'],
    ['failed', UNDECIDED, 'sent', null],
    ['failed', 'not_on_whatsapp', 'delivered', null],
    ['cancelled', null, 'sent', null],
    ['expired', null, 'read', null],
    ['received', null, 'read', null],
    ['sent', null, 'error', 'failed'],
    ['unknown', null, 'error', 'failed'],
    ['delivered', null, 'error', null],
    ['queued', null, 'error', null],
  ] as [MessageStatus, string | null, StatusFact, MessageStatus | null][])(
    '%s (%s) › fact %s › %s',
    (status, reason, fact, expected) => {
      expect(statusAfter({ status, reason }, fact)).toBe(expected);
    },
  );

  it('facts of a message that was taken, a refusal among them › in any order › end the same', () => {
    const facts = fc.uniqueArray(fc.constantFrom<StatusFact>(...FACTS, 'error'), { minLength: 1 });
    const end = (all: StatusFact[]) =>
      all.reduce<{ status: MessageStatus; reason: string | null }>(
        (now, fact) => {
          const status = statusAfter(now, fact);
          return status ? { status, reason: fact === 'error' ? UNDECIDED : null } : now;
        },
        { status: 'sent', reason: null },
      );
    fc.assert(
      fc.property(
        facts.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => expect(end(shuffled)).toEqual(end(all)),
      ),
    );
  });

  it('positive facts › any order, any repetition › end at the highest and never fall', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...FACTS), { minLength: 1, maxLength: 12 }), (facts) => {
        let status: MessageStatus = 'sending';
        for (const fact of facts) {
          const next = statusAfter({ status, reason: null }, fact);
          if (next) expect(RANK[next]).toBeGreaterThan(RANK[status]!);
          status = next ?? status;
        }
        expect(RANK[status]).toBe(Math.max(...facts.map((fact) => RANK[fact]!)));
      }),
    );
  });
});
