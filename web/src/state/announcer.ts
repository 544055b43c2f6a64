// What a screen reader is told. The answer itself is no live region: a stream read aloud word by word cannot be followed.

import { signal } from '@preact/signals';

export const announcement = signal('');

/** Says a few words in the page's only status region. */
export function announce(words: string): void {
  announcement.value = words;
}
