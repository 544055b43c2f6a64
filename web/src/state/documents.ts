// Documents that were read lately. A version never changes, so one that was asked for by its version need not be read again.

import * as api from '../api/routes';
import type { Document } from '../api/schema';

const LIMIT = 8;
const recent = new Map<string, Promise<Document>>();

/** Reads a version of a document, its newest when the version is empty. */
export function readDocument(id: string, version: string): Promise<Document> {
  if (version === '') return api.document(id);
  const key = `${id} ${version}`;
  const known = recent.get(key);
  if (known) return known;
  const reading = api.document(id, version);
  recent.set(key, reading);
  reading.catch(() => recent.delete(key));
  for (const oldest of recent.keys()) {
    if (recent.size <= LIMIT) break;
    recent.delete(oldest);
  }
  return reading;
}
