/** A node that takes phones, and how many it has. */
export interface Load {
  id: number;
  phones: number;
  weight: number;
  /** Null: no limit. */
  capacity: number | null;
}

export interface Shift {
  from: number;
  to: number;
  count: number;
}

/**
 * The fewest moves after which every node has its share by weight, within one phone, or is full. In that order: from who
 * has most too many to who has most too few.
 */
export function balance(loads: readonly Load[]): Shift[] {
  const weights = loads.reduce((sum, { weight }) => sum + weight, 0);
  const total = loads.reduce((sum, { phones }) => sum + phones, 0);
  const nodes = loads.map((load) => ({ ...load, share: (total * load.weight) / weights }));
  const excess = (node: (typeof nodes)[number]) => node.phones - node.share;
  const hasRoom = ({ phones, capacity }: Load) => capacity === null || phones < capacity;
  const shifts = new Map<string, Shift>();
  for (;;) {
    const [from] = nodes.filter(({ phones }) => phones > 0).sort((a, b) => excess(b) - excess(a));
    const [to] = nodes.filter(hasRoom).sort((a, b) => excess(a) - excess(b));
    // One that changes places changes the difference by two: it is worth it only beyond one.
    if (!from || !to || from === to || excess(from) - excess(to) <= 1) return [...shifts.values()];
    from.phones -= 1;
    to.phones += 1;
    const key = `${from.id} ${to.id}`;
    const shift = shifts.get(key) ?? { from: from.id, to: to.id, count: 0 };
    shifts.set(key, { ...shift, count: shift.count + 1 });
  }
}
