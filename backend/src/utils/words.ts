/** Letters, marks and digits that belong together; an emoji is a word of its own. */
const WORD = /[\p{L}\p{M}\p{N}]+|\p{Extended_Pictographic}/gu;
/** Scripts that are written without spaces: a run of them has no words to split at, so pairs of letters stand in. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;

const plain = (text: string): string => text.normalize('NFKC').toLowerCase();

const pairs = (run: string): string[] => {
  const letters = [...run];
  return letters.slice(0, -1).map((letter, i) => letter + letters[i + 1]!);
};

const split = (text: string, ofRun: (run: string) => string[]): string[] => {
  const words = (plain(text).match(WORD) ?? []).flatMap((word) => [
    ...word.split(UNSPACED).filter(Boolean),
    ...(word.match(UNSPACED) ?? []).flatMap(ofRun),
  ]);
  return [...new Set(words)];
};

/** The words by which a text is found, each once: whatever its case and Unicode spelling. */
export const wordsOf = (text: string): string[] => split(text, (run) => [...run, ...pairs(run)]);

/** The words that a text must have to be found by this one; a text found this way need not have them side by side. */
export const soughtWords = (text: string): string[] =>
  split(text, (run) => ([...run].length === 1 ? [run] : pairs(run)));
