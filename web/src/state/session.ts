// Who is signed in.

import { computed, signal } from '@preact/signals';
import { ApiError, explain, onUnauthenticated } from '../api/client';
import * as api from '../api/routes';
import type { Me } from '../api/schema';

export type Session =
  | { kind: 'loading' }
  | { kind: 'signed-out' }
  | { kind: 'unreachable'; reason: string }
  | { kind: 'signed-in'; me: Me };

export const session = signal<Session>({ kind: 'loading' });

/** The caller, null while nobody is signed in. */
export const me = computed(() => (session.value.kind === 'signed-in' ? session.value.me : null));

/** Whether the caller may see and change how the installation works. */
export const isAdministrator = computed(() => me.value?.role === 'admin');

/** Asks the server who is signed in. */
export async function loadSession(): Promise<void> {
  onUnauthenticated(() => {
    session.value = { kind: 'signed-out' };
  });
  try {
    session.value = { kind: 'signed-in', me: await api.me() };
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return;
    session.value = { kind: 'unreachable', reason: explain(error) };
  }
}

/**
 * Signs in with a one-time code; throws when the server refuses it. The e-mail address is that of the first
 * administrator, empty when there is none to tell.
 */
export async function signIn(code: string, email: string): Promise<void> {
  session.value = { kind: 'signed-in', me: await api.login(code, email) };
}

/** Signs in with an address and a password; throws when the server refuses it. */
export async function signInWithPassword(email: string, password: string): Promise<void> {
  session.value = { kind: 'signed-in', me: await api.loginWithPassword(email, password) };
}

/** Sets the caller's password; throws when the server refuses it. */
export async function setPassword(current: string, password: string): Promise<void> {
  await api.setPassword(current, password);
  if (me.value) session.value = { kind: 'signed-in', me: { ...me.value, password: 'set' } };
}

/** Ends the session, here even when the server cannot be told. */
export async function signOut(): Promise<void> {
  await api.logout().catch(() => {});
  location.assign('/');
}
