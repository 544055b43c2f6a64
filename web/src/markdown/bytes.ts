// Offsets of the API count bytes of UTF-8, JavaScript counts UTF-16 code units. ByteIndex converts between them.

const STEP = 1024;

/** How many bytes of UTF-8 the code point is long. A lone surrogate is sent as U+FFFD, which has three. */
function width(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** Converts byte offsets of a text to indices of the string and back, in a time that does not grow with the text. */
export class ByteIndex {
  /** Length of the text in bytes. */
  readonly length: number;
  /** bytes[k] is the byte offset of the first code point at or after index k * STEP; units[k] is its index. */
  private readonly bytes: number[] = [];
  private readonly units: number[] = [];

  constructor(readonly text: string) {
    let byte = 0;
    let next = 0;
    for (let i = 0; i < text.length;) {
      if (i >= next) {
        this.bytes.push(byte);
        this.units.push(i);
        next += STEP;
      }
      const codePoint = text.codePointAt(i)!;
      byte += width(codePoint);
      i += codePoint > 0xffff ? 2 : 1;
    }
    this.length = byte;
  }

  /** Returns the index at which the byte offset lies, or null when it is outside the text or inside a character. */
  toUnit(offset: number): number | null {
    if (!Number.isInteger(offset) || offset < 0 || offset > this.length) return null;
    if (offset === this.length) return this.text.length;
    let low = 0;
    let high = this.bytes.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.bytes[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    let byte = this.bytes[low]!;
    let i = this.units[low]!;
    while (byte < offset) {
      const codePoint = this.text.codePointAt(i)!;
      byte += width(codePoint);
      i += codePoint > 0xffff ? 2 : 1;
    }
    return byte === offset ? i : null;
  }

  /** Returns the text between two byte offsets, or null when one of them is no boundary of a character. */
  slice(start: number, end: number): string | null {
    const from = this.toUnit(start);
    const to = this.toUnit(end);
    return from === null || to === null || from > to ? null : this.text.slice(from, to);
  }
}
