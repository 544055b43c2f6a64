// The mark after a claim: its number opens the passage, hovering or focusing it shows where the passage is from.

import type { Citation } from '../api/schema';
import { isOpen, passageOfCitation, showPassage } from '../state/panel';
import { hideCard, hideCardSoon, showCard, showCardSoon } from '../state/card';

/** Id of the hidden words that describe a citation of a turn. */
export function descriptionId(turn: string, number: number): string {
  return `cite-${turn}-${number}`;
}

export function CitationChip({ citation, turn }: { citation: Citation; turn: string }) {
  const gone = citation.state === 'gone';
  const label = `Source ${citation.number}: ${gone ? 'no longer available' : citation.title}`;
  return (
    <button
      type="button"
      class={`chip${gone ? ' gone' : ''}${isOpen(citation) ? ' open' : ''}`}
      aria-label={label}
      aria-describedby={descriptionId(turn, citation.number)}
      onClick={(event) => {
        hideCard();
        showPassage(passageOfCitation(citation), event.currentTarget);
      }}
      onMouseEnter={(event) => showCardSoon(citation, event.currentTarget)}
      onMouseLeave={hideCardSoon}
      onFocus={(event) => {
        if (event.currentTarget.matches(':focus-visible')) showCard(citation, event.currentTarget);
      }}
      onBlur={hideCardSoon}
    >
      <span>{citation.number}</span>
    </button>
  );
}
