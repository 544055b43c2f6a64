// The card that tells about a citation while the pointer is on it or it has the focus.

import { signal } from '@preact/signals';
import type { Citation } from '../api/schema';

export interface Card {
  citation: Citation;
  anchor: HTMLElement;
}

export const card = signal<Card | null>(null);

const OPEN_MS = 120;
const CLOSE_MS = 200;
let timer: ReturnType<typeof setTimeout> | undefined;

export function showCard(citation: Citation, anchor: HTMLElement): void {
  clearTimeout(timer);
  card.value = { citation, anchor };
}

/** Shows the card when the pointer has stayed for a moment. */
export function showCardSoon(citation: Citation, anchor: HTMLElement): void {
  clearTimeout(timer);
  timer = setTimeout(() => showCard(citation, anchor), OPEN_MS);
}

export function hideCard(): void {
  clearTimeout(timer);
  card.value = null;
}

/** Hides the card unless the pointer reaches it first. */
export function hideCardSoon(): void {
  clearTimeout(timer);
  timer = setTimeout(hideCard, CLOSE_MS);
}

/** Keeps the card while the pointer is on it. */
export function keepCard(): void {
  clearTimeout(timer);
}
