// What a person sees of a piece of text.

// Tags, zero-width characters and overrides of the writing direction can hide text or show it in another order.
// Joiners stay: emoji and several scripts need them.
const INVISIBLE = /[\u200b\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu;

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

/** Removes characters that have no shape but change what is seen. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, '');
}

/** Replaces character references of HTML, the five of XML, nbsp and numbers; others stay as they are. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,6}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return NAMED[name as string] ?? whole;
    const codePoint = decimal !== undefined ? parseInt(decimal, 10) : parseInt(hex, 16);
    const valid = codePoint > 0 && codePoint <= 0x10ffff && (codePoint < 0xd800 || codePoint > 0xdfff);
    return valid ? String.fromCodePoint(codePoint) : '\ufffd';
  });
}

/** Returns url when a browser may open it from a page of ours: an absolute address of the web; else null. */
export function safeURL(url: string): string | null {
  try {
    const parsed = new URL(url.trim());
    const web = parsed.protocol === 'https:' || parsed.protocol === 'http:';
    return web && parsed.username === '' && parsed.password === '' ? parsed.href : null;
  } catch {
    return null;
  }
}
