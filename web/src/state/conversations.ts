// The list of the person's conversations.

import { signal } from '@preact/signals';
import { explain } from '../api/client';
import * as api from '../api/routes';
import type { Conversation } from '../api/schema';

export const conversations = signal<readonly Conversation[]>([]);
export const moreConversations = signal<string | null>(null);
export const conversationsFailure = signal('');

let latest = 0;

/** Reads the newest conversations. */
export async function loadConversations(): Promise<void> {
  const turn = ++latest;
  try {
    const page = await api.conversations();
    if (turn !== latest) return; // a later reading knows more
    conversations.value = page.conversations;
    moreConversations.value = page.next_cursor;
    conversationsFailure.value = '';
  } catch (error) {
    if (turn === latest) conversationsFailure.value = explain(error);
  }
}

/** Reads the conversations that come after those already shown. */
export async function loadMoreConversations(): Promise<void> {
  const cursor = moreConversations.peek();
  if (cursor === null) return;
  try {
    const page = await api.conversations(cursor);
    const known = new Set(conversations.peek().map((conversation) => conversation.id));
    conversations.value = [...conversations.peek(), ...page.conversations.filter(({ id }) => !known.has(id))];
    moreConversations.value = page.next_cursor;
  } catch (error) {
    conversationsFailure.value = explain(error);
  }
}

/** Says that a conversation was begun or went on. */
export function conversationChanged(): void {
  void loadConversations();
}

/** Gives a conversation another title. */
export async function rename(id: string, title: string): Promise<void> {
  const renamed = await api.renameConversation(id, title);
  conversations.value = conversations.peek().map((conversation) => (conversation.id === id ? renamed : conversation));
}

/** Erases a conversation. */
export async function remove(id: string): Promise<void> {
  await api.deleteConversation(id);
  conversations.value = conversations.peek().filter((conversation) => conversation.id !== id);
}
