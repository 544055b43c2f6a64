// Questions that were typed but not sent. They survive a reload and the end of a session, under a key of the person, so that
// the next one at the same browser does not see them.

const PREFIX = 'cairn:draft:';

function key(person: string, conversation: string): string {
  return `${PREFIX}${person}:${conversation || 'new'}`;
}

/** Returns what was typed last and not sent. */
export function readDraft(person: string, conversation: string): string {
  try {
    return localStorage.getItem(key(person, conversation)) ?? '';
  } catch {
    return ''; // the browser keeps nothing for this page
  }
}

/** Keeps a draft; an empty one is forgotten. */
export function keepDraft(person: string, conversation: string, text: string): void {
  try {
    if (text === '') localStorage.removeItem(key(person, conversation));
    else localStorage.setItem(key(person, conversation), text);
  } catch {
    // It lives on in the text field.
  }
}
