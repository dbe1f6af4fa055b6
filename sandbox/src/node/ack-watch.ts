const PATIENCE_MS = 5_000;

/** Lets a send wait for the webhook of its own ack, for the recipient whose ack comes before the node's answer. */
export const createAckWatch = () => {
  const waiting = new Map<string, () => void>();
  return {
    /** Resolves once an ack of the message was delivered, or after five seconds. */
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
  };
};

export type AckWatch = ReturnType<typeof createAckWatch>;
