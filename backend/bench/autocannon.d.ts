declare module 'autocannon' {
  namespace autocannon {
    type Request = Record<string, unknown>;
    interface Result {
      non2xx: number;
      errors: number;
      requests: { average: number };
      latency: { p99: number };
    }
  }
  function autocannon(options: Record<string, unknown>): Promise<autocannon.Result>;
  export = autocannon;
}
