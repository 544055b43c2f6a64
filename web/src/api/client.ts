// Requests to the server that the page came from. The session is in a cookie that scripts cannot read.

import type { Error as ErrorBody, ErrorDetail } from './schema';

/** A reply that says what went wrong. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: ErrorDetail['code'],
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** The server could not be reached at all. */
export class OfflineError extends Error {
  constructor(cause: unknown) {
    super('The server cannot be reached. Check the connection and try again.', { cause });
    this.name = 'OfflineError';
  }
}

let unauthenticated: () => void = () => {};

/** Sets what is called when the server answers that nobody is signed in. */
export function onUnauthenticated(call: () => void): void {
  unauthenticated = call;
}

/** Sends a request and returns the reply when it is a success; throws ApiError, OfflineError or AbortError. */
export async function send(method: string, path: string, init: Omit<RequestInit, 'method'> = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, method, credentials: 'same-origin', redirect: 'error' });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new OfflineError(error);
  }
  if (response.ok) return response;
  const failure = await readError(response);
  if (failure.status === 401) unauthenticated();
  throw failure;
}

/** Sends a request with a JSON body, if any, and returns the JSON of the reply, undefined when it has none. */
export async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await send(method, path, { ...json(body), ...(signal ? { signal } : {}) });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** The part of a request that carries a JSON body. */
export function json(body: unknown): Pick<RequestInit, 'body' | 'headers'> {
  return body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
}

/** Puts parameters behind a path and leaves out those without a value. */
export function withQuery(path: string, parameters: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

async function readError(response: Response): Promise<ApiError> {
  try {
    const { error } = (await response.json()) as ErrorBody;
    return new ApiError(response.status, error.code, error.message);
  } catch {
    return new ApiError(response.status, 'internal', `The server answered ${response.status} without an explanation.`);
  }
}

/** Puts an error into words for the person before the screen. */
export function explain(error: unknown): string {
  if (error instanceof ApiError || error instanceof OfflineError) return error.message;
  console.error(error);
  return 'Something went wrong in this page. Reload it and try again.';
}
