// A Cut is text that was cut out of a source, line by line, and still knows where each line came from. Markdown strips
// markers and indentation from the lines inside lists and quotes, so that positions inside them are not those of the source.

interface Line {
  /** Index in the cut's text at which the line begins. */
  at: number;
  /** Index in the source at which it begins, -1 when that is unknown. */
  source: number;
}

/** A part of a cut's text that stands in the source in one piece, from index source on; source is -1 when unknown. */
export interface Run {
  start: number;
  end: number;
  source: number;
}

export class Cut {
  private constructor(
    readonly text: string,
    private readonly lines: readonly Line[],
  ) {}

  /** The whole source. */
  static whole(source: string): Cut {
    return new Cut(source, [{ at: 0, source: 0 }]);
  }

  /** Text whose place in the source is unknown. */
  static lost(text: string): Cut {
    return new Cut(text, [{ at: 0, source: -1 }]);
  }

  /** Index in the source after the last character, -1 when it is unknown or the cut is empty. */
  get end(): number {
    if (this.text === '') return -1;
    const last = this.text.length - 1;
    const line = this.lines[this.lineAt(last)]!;
    return line.source < 0 ? -1 : line.source + (last - line.at) + 1;
  }

  /** Returns text[start:end] as a cut of its own. */
  slice(start: number, end: number): Cut {
    const lines = this.runs(start, end).map((run) => ({ at: run.start - start, source: run.source }));
    return new Cut(this.text.slice(start, end), lines.length > 0 ? lines : [{ at: 0, source: -1 }]);
  }

  /** Returns the part of the cut in which text stands, looking for it from index from on; a lost one when it does not. */
  find(text: string, from = 0): Cut {
    const at = this.text.startsWith(text, from) ? from : this.text.indexOf(text, from);
    return at < 0 ? Cut.lost(text) : this.slice(at, at + text.length);
  }

  /** Splits text[start:end] into the fewest runs. */
  runs(start = 0, end = this.text.length): Run[] {
    const runs: Run[] = [];
    for (let k = this.lineAt(start); k < this.lines.length && this.lines[k]!.at < end; k++) {
      const line = this.lines[k]!;
      const from = Math.max(start, line.at);
      const to = Math.min(end, this.lines[k + 1]?.at ?? end);
      if (from >= to) continue;
      const source = line.source < 0 ? -1 : line.source + (from - line.at);
      const last = runs[runs.length - 1];
      if (last && (source < 0 ? last.source < 0 : last.source >= 0 && last.source + (from - last.start) === source))
        last.end = to;
      else runs.push({ start: from, end: to, source });
    }
    return runs;
  }

  /**
   * Returns inner, the text that is left of this cut when something was stripped from the beginning of each line, as a cut.
   * Lines before firstLine were dropped. A line that is no tail of its counterpart has no place in the source.
   */
  strip(inner: string, firstLine = 0): Cut {
    const outer = this.text.split('\n');
    let begin = 0;
    for (let i = 0; i < firstLine && i < outer.length; i++) begin += outer[i]!.length + 1;
    const lines: Line[] = [];
    let at = 0;
    inner.split('\n').forEach((line, i) => {
      const whole = outer[i + firstLine];
      const tail = line.trimEnd();
      const found = whole !== undefined && whole.trimEnd().endsWith(tail);
      const tailAt = found ? begin + whole.trimEnd().length - tail.length : -1;
      lines.push({ at, source: found ? this.place(tailAt) : -1 });
      at += line.length + 1;
      begin += (whole?.length ?? 0) + 1;
    });
    return new Cut(inner, lines);
  }

  private place(i: number): number {
    const line = this.lines[this.lineAt(i)]!;
    return line.source < 0 ? -1 : line.source + (i - line.at);
  }

  private lineAt(i: number): number {
    let low = 0;
    let high = this.lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.lines[middle]!.at <= i) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
