// The card of the citation under the pointer or the focus. It floats above everything, so there is one for the whole page.

import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { card, hideCard, hideCardSoon, keepCard } from '../state/card';
import { CitationFacts } from './CitationFacts';

const GAP = 8;

export function CitationCard() {
  const shown = card.value;
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (shown && element.current) place(element.current, shown.anchor);
  }, [shown]);
  useEffect(() => {
    if (!shown) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      hideCard();
    };
    // In the capturing phase, so that the first Escape closes the card and nothing behind it.
    addEventListener('keydown', onKey, true);
    addEventListener('scroll', hideCard, { passive: true });
    return () => {
      removeEventListener('keydown', onKey, true);
      removeEventListener('scroll', hideCard);
    };
  }, [shown]);
  if (!shown) return null;
  return (
    <div class="card" ref={element} role="tooltip" onMouseEnter={keepCard} onMouseLeave={hideCardSoon}>
      <CitationFacts citation={shown.citation} />
    </div>
  );
}

/** Puts the card under its anchor, or above where there is no room, and within the window. */
function place(element: HTMLElement, anchor: HTMLElement): void {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = element;
  const below = at.bottom + GAP;
  const top = below + height > innerHeight && at.top - GAP - height > 0 ? at.top - GAP - height : below;
  const left = Math.min(Math.max(GAP, at.left + at.width / 2 - width / 2), innerWidth - width - GAP);
  element.style.top = `${top}px`;
  element.style.left = `${Math.max(GAP, left)}px`;
}
