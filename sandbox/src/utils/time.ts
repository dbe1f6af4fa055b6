/** @param ms zero and less still yields once to the event loop. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Unix time in whole seconds, as WhatsApp stamps messages. */
export const nowSeconds = (): number => Math.floor(Date.now() / 1000);
