interface Results {
  numFailedTests: number;
  success: boolean;
  wasInterrupted: boolean;
}
interface Context {
  config: { displayName?: { name: string } };
}
export default class EndpointCoverage {
  constructor(globalConfig: object);
  onRunComplete(contexts: Set<Context>, results: Results, say?: (text: string) => void): void;
  getLastError(): Error | undefined;
}
export function isWhole(config: object, contexts: Set<Context>, results: Partial<Results>): boolean;
export function readNotes(folder: string): Record<'row' | 'done' | 'fault', Set<string>>;
/** Lines of the logs in a folder that have a secret in them, without it. */
export function leaksIn(folder: string): string[];
export function publishedRows(root: string): string[];
