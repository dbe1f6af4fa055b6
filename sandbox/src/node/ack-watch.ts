const PATIENCE_MS = 5_000;

/** Where sends and their acks meet. */
export const createAckWatch = () => {
  const waiting = new Map<string, () => void>();
  const storing = new Map<string, Promise<void>>();
  return {
    /** Resolves once the webhook of an ack of the message was delivered, or after five seconds. */
    expect: (keyId: string): Promise<void> =>
      new Promise((resolve) => {
        const done = (): void => {
          waiting.delete(keyId);
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(done, PATIENCE_MS);
        waiting.set(keyId, done);
      }),
    note: (keyId: string): void => waiting.get(keyId)?.(),

    /** The network has the message and its row is being written. @returns what to call once that has ended. */
    begin: (keyId: string): (() => void) => {
      let end: () => void = () => undefined;
      storing.set(keyId, new Promise((resolve) => (end = resolve)));
      return () => {
        storing.delete(keyId);
        end();
      };
    },
    /**
     * Resolves when the row of a message is written, or never will be. A real node passes over an ack that is quicker
     * than its own insert; here the network is so near that this would be a matter of luck.
     */
    stored: (keyId: string): Promise<void> | undefined => storing.get(keyId),
  };
};

export type AckWatch = ReturnType<typeof createAckWatch>;
