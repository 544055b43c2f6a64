// One function for each route that the pages use, with the types of the server's description.

import { request, send, withQuery, json } from './client';
import type {
  AskRequest,
  Conversation,
  ConversationList,
  ConversationWithMessages,
  Device,
  Document,
  DocumentErrorList,
  FeedbackRequest,
  Me,
  Message,
  RetryResponse,
  Run,
  RunList,
  SearchRequest,
  SearchResponse,
  SignInCode,
  Source,
  SourceList,
  Suggestions,
  WaysIn,
} from './schema';

const path = (...parts: string[]) => '/api/v1/' + parts.map(encodeURIComponent).join('/');

export const me = () => request<Me>('GET', path('me'));
export const waysIn = (failed?: string) => request<WaysIn>('GET', withQuery(path('login'), { failed }));
/** Where a link leads that signs in at the issuer and comes back to a page. */
export const oidcPath = (next: string) => withQuery(path('login', 'oidc'), { next });
export const login = (code: string, email = '') =>
  request<Me>('POST', path('login'), email === '' ? { code } : { code, email });
export const loginWithPassword = (email: string, password: string) =>
  request<Me>('POST', path('login'), { email, password });
export const setPassword = (current: string, password: string) =>
  request<void>('POST', path('me', 'password'), current === '' ? { password } : { password, current });
export const signInCode = (account: string) => request<SignInCode>('POST', path('users', account, 'code'));
export const showDevice = (code: string) => request<Device>('POST', path('login', 'device'), { code });
export const decideDevice = (code: string, admit: boolean) =>
  request<void>('POST', path('login', 'device', 'decision'), { code, admit });
export const logout = () => request<void>('POST', path('logout'));

export const ask = (question: AskRequest, signal: AbortSignal) =>
  send('POST', path('ask'), { ...json({ ...question, stream: true }), signal });
export const follow = (message: string, lastEvent: string, signal: AbortSignal) =>
  send('GET', path('messages', message, 'stream'), {
    headers: lastEvent === '' ? {} : { 'Last-Event-ID': lastEvent },
    signal,
  });
export const stop = (message: string) => request<void>('DELETE', path('messages', message, 'stream'));
export const message = (id: string, signal?: AbortSignal) =>
  request<Message>('GET', path('messages', id), undefined, signal);
export const giveFeedback = (id: string, feedback: FeedbackRequest) =>
  request<void>('POST', path('messages', id, 'feedback'), feedback);

export const conversations = (cursor?: string) =>
  request<ConversationList>('GET', withQuery(path('conversations'), { cursor }));
export const conversation = (id: string, signal?: AbortSignal) =>
  request<ConversationWithMessages>('GET', path('conversations', id), undefined, signal);
export const renameConversation = (id: string, title: string) =>
  request<Conversation>('PATCH', path('conversations', id), { title });
export const deleteConversation = (id: string) => request<void>('DELETE', path('conversations', id));

export const search = (query: SearchRequest, signal?: AbortSignal) =>
  request<SearchResponse>('POST', path('search'), query, signal);
export const suggest = (q: string, signal?: AbortSignal) =>
  request<Suggestions>('GET', withQuery(path('suggest'), { q }), undefined, signal);
export const document = (id: string, version?: string, signal?: AbortSignal) =>
  request<Document>('GET', withQuery(path('documents', id), { version }), undefined, signal);

export const sources = (cursor?: string) => request<SourceList>('GET', withQuery(path('sources'), { cursor }));
export const syncSource = (name: string, options: { full?: boolean; confirm?: boolean } = {}) =>
  request<Run>('POST', path('sources', name, 'sync'), options);
export const cancelSync = (name: string) => request<void>('POST', path('sources', name, 'cancel'));
export const pauseSource = (name: string, paused: boolean) =>
  request<Source>('POST', path('sources', name, 'pause'), { paused });
export const runs = (name: string) => request<RunList>('GET', withQuery(path('sources', name, 'runs'), { limit: 10 }));
export const sourceErrors = (name: string, cursor?: string) =>
  request<DocumentErrorList>('GET', withQuery(path('sources', name, 'errors'), { cursor }));
export const retryErrors = (name: string) =>
  request<RetryResponse>('POST', path('sources', name, 'errors', 'retry'), {});
