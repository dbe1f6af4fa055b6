import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

interface Pair {
  near: Socket;
  far: Socket;
  /** Nothing passes any more, and neither side is told: for good, as nobody mends a connection half of which is gone. */
  isDead: boolean;
  /** What is kept back, in order; null while everything passes. */
  kept: (() => void)[] | null;
}

/** Characters that are kept of what the gateway said. */
const HEARD = 64 * 1024;

export type TcpProxy = Awaited<ReturnType<typeof startTcpProxy>>;

/** Stands between the gateway and something it needs, and can be cut, slowed down, or made to say nothing. */
export async function startTcpProxy(to: { host: string; port: number }) {
  const open = new Set<Pair>();
  /** Of which something is kept back; they may be closed by now. */
  const keeping = new Set<Pair>();
  let state: 'passes' | 'cut' | 'silent' = 'passes';
  let latencyMs = 0;
  let isMute = false;
  let heard = '';
  let keeps: string | null = null;

  const keep = (pair: Pair): void => {
    pair.kept ??= [];
    keeping.add(pair);
  };
  const carry = (pair: Pair, from: Socket, into: Socket) => {
    from.on('error', () => undefined);
    from.on('data', (chunk: Buffer) => {
      if (from === pair.near) heard = (heard + chunk.toString()).slice(-HEARD);
      if (pair.isDead || (isMute && from === pair.far)) return;
      if (keeps !== null && from === pair.near && chunk.includes(keeps)) keep(pair);
      if (pair.kept) return void pair.kept.push(() => pair.isDead || into.write(chunk));
      if (latencyMs === 0) return void into.write(chunk);
      // Timers of equal length fire in the order they were made, so that bytes stay in order.
      setTimeout(() => pair.isDead || into.write(chunk), latencyMs);
    });
    from.on('close', () => {
      open.delete(pair);
      if (pair.kept) return void pair.kept.push(() => into.destroy());
      // What was delayed arrives before the end does.
      if (latencyMs === 0 || pair.isDead) into.destroy();
      else setTimeout(() => into.destroy(), latencyMs);
    });
  };

  const server = createServer((near) => {
    if (state === 'cut') return void near.resetAndDestroy();
    const pair: Pair = { near, far: connect(to), isDead: state === 'silent', kept: null };
    open.add(pair);
    carry(pair, near, pair.far);
    carry(pair, pair.far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const halve = () => open.forEach((pair) => (pair.isDead = true));
  return {
    /** Whether the gateway has said these words lately, be they passed on by now or not. */
    hasHeard: (words: string): boolean => heard.includes(words),
    port: (server.address() as AddressInfo).port,
    /** Connections are reset, new ones refused at once. */
    cut() {
      state = 'cut';
      for (const { near, far } of open) [near, far].forEach((socket) => socket.resetAndDestroy());
    },
    /** Resets what is open; new connections pass. */
    reset() {
      for (const { near, far } of open) [near, far].forEach((socket) => socket.resetAndDestroy());
    },
    /** What is open and what is opened from now on passes nothing, and nobody is told. */
    silence() {
      state = 'silent';
      halve();
    },
    /** What is open passes nothing any more, and neither side is told; new connections pass. */
    halve,
    /** What is asked arrives, and no answer comes back: a commit of which nobody learns. */
    mute() {
      isMute = true;
    },
    /** New connections pass; those that are dead stay so. */
    mend() {
      state = 'passes';
      latencyMs = 0;
      isMute = false;
    },
    /** What the gateway says with these words in it, and all that follows on its connection, is kept back until `release`. */
    keep(words: string) {
      keeps = words;
    },
    release() {
      keeps = null;
      for (const pair of keeping) {
        const kept = pair.kept ?? [];
        pair.kept = null;
        kept.forEach((pass) => pass());
      }
      keeping.clear();
    },
    /** Every chunk takes so long, each way. */
    slow(ms: number) {
      latencyMs = ms;
    },
    async stop() {
      for (const { near, far } of open) [near, far].forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
