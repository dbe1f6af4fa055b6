import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Evidence } from '../../chaos/evidence.js';
import { judge } from '../../chaos/oracle.js';
import { seeded } from '../../chaos/random.js';

/** A run in which all went well: two phones, two chats each, everything sent in order. */
function wellDone(messages = 24): Evidence {
  const asked = Array.from({ length: messages }, (_, n) => ({
    text: `t-${n}`,
    phoneId: 1 + (n % 2),
    chat: `chat-${Math.floor(n / 2) % 2}`,
    key: `t-${n}`,
    order: Math.floor(n / 4),
    id: 100 + n,
    answers: [202],
    askedAt: n,
    acceptedAt: n,
  }));
  const rows = asked.map(({ id, phoneId, chat, text }, n) => ({
    ...{ id, phoneId, chat, text, status: 'sent', reason: null as string | null, whatsappId: `W${n}` },
    ...{ sequence: n, dueAt: n, sendingAt: n * 10, sentAt: n * 10 + 5, wasInDoubt: false },
  }));
  const arrivals = rows.map(({ text, whatsappId }) => ({ text, whatsappId }));
  return { asked, rows, arrivals, doubtBound: 0, mayAnswer: [202, 503] };
}

/** Each spoils a good run in one way, and names what has to be said about it. */
const SPOILT: Record<string, [rule: string, spoil: (run: Evidence) => void]> = {
  'a message that was accepted is not stored': ['I1', (run) => run.rows.splice(5, 1)],
  'a message is stored for another phone': ['I1', (run) => (run.rows[5]!.phoneId = 9)],
  'a message is stored twice': ['I2', (run) => run.rows.push({ ...run.rows[5]!, id: 999 })],
  'a message is stored that nobody asked for': [
    'I2',
    (run) => run.rows.push({ ...run.rows[5]!, id: 999, text: 't-999', status: 'cancelled' }),
  ],
  'a message waits for ever': ['lost', (run) => (run.rows[23]!.status = 'queued')],
  'a message is being sent for ever': ['lost', (run) => (run.rows[23]!.status = 'sending')],
  'a message is sent and never arrived': ['lost', (run) => run.arrivals.splice(5, 1)],
  'a message arrived twice': ['doubled', (run) => run.arrivals.splice(6, 0, run.arrivals[5]!)],
  'a message in doubt arrived twice': [
    'doubled',
    (run) => {
      Object.assign(run.rows[5]!, { status: 'unknown', wasInDoubt: true });
      run.arrivals.push(run.arrivals[5]!);
    },
  ],
  'a message was given the id of another': ['I3', (run) => (run.rows[5]!.whatsappId = 'W6')],
  'a message is said to have failed, and arrived': ['I3', (run) => (run.rows[5]!.status = 'failed')],
  'a message is said to have expired, and arrived': ['I3', (run) => (run.rows[5]!.status = 'expired')],
  'something arrived that is not stored': [
    'I1',
    (run) => run.arrivals.push({ text: 't-77', whatsappId: 'X' }),
  ],
  'two messages of a chat arrived in the wrong order': [
    'I5',
    (run) => run.arrivals.splice(4, 5, run.arrivals[8]!, ...run.arrivals.slice(5, 8), run.arrivals[4]!),
  ],
  'two messages of a chat were stored in the wrong order': [
    'I5',
    (run) => ([run.rows[4]!.sequence, run.rows[8]!.sequence] = [8, 4]),
  ],
  'a phone had two sends in flight': ['I6', (run) => (run.rows[4]!.sentAt = 65)],
  'more are in doubt than faults explain': ['doubt', (run) => (run.rows[23]!.wasInDoubt = true)],
  'a client was answered 500': ['I15', (run) => run.asked[5]!.answers.unshift(500)],
  'a client had no answer': ['I15', (run) => run.asked[5]!.answers.unshift(0)],
  'a message was never accepted': [
    'recovery',
    (run) => {
      Object.assign(run.asked[23]!, { id: null, answers: [503, 503] });
      run.rows.pop();
      run.arrivals.pop();
    },
  ],
};

describe('the oracle', () => {
  it('a run in which all went well › is heard › nothing to say', () => {
    expect(judge(wellDone()).violations).toEqual([]);
  });

  it.each(Object.entries(SPOILT))('%s › is heard › says so', (_name, [rule, spoil]) => {
    const run = wellDone();
    spoil(run);
    expect(judge(run).violations.map((violation) => violation.rule)).toContain(rule);
  });

  it('doubt within its bound, arrived late or never › is heard › nothing to say', () => {
    const run = { ...wellDone(), doubtBound: 2 };
    for (const row of [run.rows[4]!, run.rows[6]!])
      Object.assign(row, { status: 'unknown', wasInDoubt: true, sentAt: null });
    run.arrivals.push(run.arrivals.splice(4, 1)[0]!);
    run.arrivals.splice(5, 1);
    expect(judge(run).violations).toEqual([]);
  });

  it('503s before the 202, and a request without a key that failed and was stored › are heard › nothing to say', () => {
    const run = wellDone();
    run.asked[5]!.answers = [503, 503, 202];
    Object.assign(run.asked[23]!, { id: null, key: null, answers: [503] });
    expect(judge(run).violations).toEqual([]);
  });
});

describe('seeded numbers', () => {
  it('one seed › asked twice › the same numbers, in their range', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 1000 }), (seed, limit) => {
        const [one, other] = [seeded(seed), seeded(seed)];
        const numbers = Array.from({ length: 20 }, () => one.below(limit));
        expect(numbers).toEqual(Array.from({ length: 20 }, () => other.below(limit)));
        expect(numbers.every((n) => Number.isInteger(n) && n >= 0 && n < limit)).toBe(true);
      }),
    );
  });
});
