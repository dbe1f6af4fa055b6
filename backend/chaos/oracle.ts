import type { Arrival, Asked, Evidence, Row, Verdict, Violation } from './evidence.js';

const REACHED = new Set(['sent', 'delivered', 'read', 'played']);
const NEVER_LEFT = new Set(['failed', 'cancelled', 'expired']);
/** WhatsApp took it and refused it later: it did arrive there. */
const LEFT_ALL_THE_SAME = 'rejected_by_whatsapp';

type Judge = (evidence: Indexed) => Violation[];

interface Indexed extends Evidence {
  rowsByText: Map<string, Row[]>;
  arrivalsByText: Map<string, Arrival[]>;
  askedByText: Map<string, Asked>;
}

const groupBy = <T>(list: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
};

/** I1: what was answered 202 is stored, as it was asked for. */
const stored: Judge = ({ asked, rowsByText }) =>
  asked.flatMap(({ id, text, phoneId, chat }): Violation[] => {
    if (id === null) return [];
    const row = rowsByText.get(text)?.find((one) => one.id === id);
    if (!row) return [{ rule: 'I1', what: `${text} was answered 202 as ${id} and is not stored` }];
    if (row.phoneId !== phoneId || row.chat !== chat)
      return [{ rule: 'I1', what: `${text} is stored for phone ${row.phoneId} and ${row.chat}` }];
    return [];
  });

/** I2: one message for a key, and for a request without one that was made once; none that nobody asked for. */
const once: Judge = ({ rowsByText, askedByText }) =>
  [...rowsByText].flatMap(([text, rows]): Violation[] => {
    if (!askedByText.has(text)) return [{ rule: 'I2', what: `${text} is stored and nobody asked for it` }];
    return rows.length > 1 ? [{ rule: 'I2', what: `${text} is stored ${rows.length} times` }] : [];
  });

/** Nothing waits for ever. */
const ended: Judge = ({ rows }) =>
  rows
    .filter(({ status }) => !REACHED.has(status) && !NEVER_LEFT.has(status) && status !== 'unknown')
    .map(({ text, status }) => ({ rule: 'lost', what: `${text} has not ended: ${status}` }));

/** I3, I4, I14: what is `sent` arrived once and under the id that is stored, what is in doubt at most once, the rest never. */
const arrived: Judge = ({ rows, arrivalsByText }) =>
  rows.flatMap(({ text, status, reason, whatsappId }): Violation[] => {
    const arrivals = arrivalsByText.get(text) ?? [];
    const times = arrivals.length;
    if (times > 1) return [{ rule: 'doubled', what: `${text} arrived ${times} times` }];
    if (REACHED.has(status)) {
      if (times === 0) return [{ rule: 'lost', what: `${text} is ${status} and never arrived` }];
      const is = arrivals[0]!.whatsappId;
      return is === whatsappId
        ? []
        : [{ rule: 'I3', what: `${text} arrived as ${is}, stored is ${whatsappId}` }];
    }
    const hasLeft = times > 0 && NEVER_LEFT.has(status) && reason !== LEFT_ALL_THE_SAME;
    return hasLeft ? [{ rule: 'I3', what: `${text} is ${status} (${reason}) and arrived` }] : [];
  });

/** Nothing arrives that is not stored. */
const known: Judge = ({ arrivalsByText, rowsByText }) =>
  [...arrivalsByText.keys()]
    .filter((text) => !rowsByText.has(text))
    .map((text) => ({ rule: 'I1', what: `${text} arrived and is not stored` }));

/** What was ever in doubt may arrive later than what its chat went on with. */
const inOrder = (arrivals: readonly Arrival[], rowsByText: Map<string, Row[]>): Violation[] => {
  const found: Violation[] = [];
  let last: { row: Row; text: string } | null = null;
  for (const { text } of arrivals) {
    const row = rowsByText.get(text)?.[0];
    if (!row || row.wasInDoubt) continue;
    if (last && (row.dueAt < last.row.dueAt || row.sequence < last.row.sequence))
      found.push({ rule: 'I5', what: `${text} arrived after ${last.text} in ${row.chat}` });
    last = { row, text };
  }
  return found;
};

/** I5: in a chat, messages arrive in the order in which they were due; none here was asked for at a later time. */
const ordered: Judge = ({ arrivals, rowsByText }) => {
  const chats = groupBy(arrivals, ({ text }) => {
    const row = rowsByText.get(text)?.[0];
    return `${row?.phoneId} ${row?.chat}`;
  });
  return [...chats.values()].flatMap((chat) => inOrder(chat, rowsByText));
};

/** I5: in a chat, a message that was asked for once another had been answered comes after it. */
const asAsked: Judge = ({ asked, rowsByText }) => {
  const accepted = asked.filter(({ id }) => id !== null);
  const chats = groupBy(accepted, ({ phoneId, chat }) => `${phoneId} ${chat}`);
  return [...chats.values()].flatMap((chat) => {
    const rows = [...chat]
      .sort((a, b) => a.order - b.order)
      .flatMap(({ text }) => rowsByText.get(text) ?? []);
    return rows.flatMap((row, i): Violation[] => {
      const isLate = i > 0 && rows[i - 1]!.sequence > row.sequence;
      return isLate ? [{ rule: 'I5', what: `${row.text} was asked for after ${rows[i - 1]!.text}` }] : [];
    });
  });
};

/** I6: a phone's next send begins when the one before has been settled. Sends in doubt end when nobody knows. */
const oneAtATime: Judge = ({ rows }) =>
  [...groupBy(rows, ({ phoneId }) => String(phoneId)).values()].flatMap((ofPhone) => {
    const sends = ofPhone
      .filter((row) => row.sendingAt !== null && row.sentAt !== null && !row.wasInDoubt)
      .sort((a, b) => a.sendingAt! - b.sendingAt!);
    return sends.flatMap((row, i): Violation[] => {
      const before = sends[i - 1];
      return before && before.sentAt! > row.sendingAt!
        ? [{ rule: 'I6', what: `${row.text} was being sent while ${before.text} was` }]
        : [];
    });
  });

/** Doubt is bounded: by how many phones had a send in flight when something went wrong, summed over the faults. */
const bounded: Judge = ({ rows, doubtBound }) => {
  const doubted = rows.filter(({ wasInDoubt }) => wasInDoubt).length;
  return doubted > doubtBound
    ? [{ rule: 'doubt', what: `${doubted} were in doubt, at most ${doubtBound} may be` }]
    : [];
};

/** 503 (and what the front door says when nobody answers it) is all that a client may see of a fault. */
const answers: Judge = ({ asked, mayAnswer }) =>
  asked.flatMap(({ text, answers: given }) =>
    given
      .filter((status) => !mayAnswer.includes(status))
      .map((status) => ({ rule: 'I15', what: `${text} was answered ${status === 0 ? 'nothing' : status}` })),
  );

/** A request that was made with a key is repeated until it is accepted: one that never was is a gateway that is gone. */
const accepted: Judge = ({ asked }) =>
  asked
    .filter(({ id, key }) => id === null && key !== null)
    .map(({ text, answers: given }) => ({
      rule: 'recovery',
      what: `${text} was never accepted: ${given.join()}`,
    }));

const JUDGES = [
  stored,
  once,
  ended,
  arrived,
  known,
  ordered,
  asAsked,
  oneAtATime,
  bounded,
  answers,
  accepted,
];

/** Holds what the client was told, what the database says and what the network received against the invariants. */
export function judge(evidence: Evidence): Verdict {
  const indexed: Indexed = {
    ...evidence,
    rowsByText: groupBy(evidence.rows, ({ text }) => text),
    arrivalsByText: groupBy(evidence.arrivals, ({ text }) => text),
    askedByText: new Map(evidence.asked.map((one) => [one.text, one])),
  };
  return { violations: JUDGES.flatMap((one) => one(indexed)), counts: count(indexed) };
}

function count({ asked, rows, arrivals, doubtBound }: Indexed): Verdict['counts'] {
  const statuses: Record<string, number> = {};
  for (const { status } of rows) statuses[status] = (statuses[status] ?? 0) + 1;
  const answered: Record<string, number> = {};
  for (const { answers: given } of asked)
    for (const status of given) answered[status || 'none'] = (answered[status || 'none'] ?? 0) + 1;
  return {
    asked: asked.length,
    accepted: asked.filter(({ id }) => id !== null).length,
    answered,
    stored: rows.length,
    statuses,
    arrived: arrivals.length,
    everInDoubt: rows.filter(({ wasInDoubt }) => wasInDoubt).length,
    doubtBound,
  };
}
