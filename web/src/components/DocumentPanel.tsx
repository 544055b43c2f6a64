// The document beside the conversation, with the passage that was opened: a landmark beside the page, or a dialog over it
// where there is no room beside.

import { useEffect, useRef } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { closePassage, openPassage, passageURL, type Passage } from '../state/panel';
import { DocumentView } from './DocumentView';
import { Icon } from './Icon';
import { Modal } from './Modal';
import { NARROW, useMedia } from './useMedia';

export function DocumentPanel() {
  const passage = openPassage.value;
  const narrow = useMedia(NARROW);
  if (!passage) return null;
  if (narrow) {
    return (
      <Modal class="panel" label="Document" onClose={closePassage}>
        <PanelContent passage={passage} />
      </Modal>
    );
  }
  return (
    <aside class="panel" aria-label="Document">
      <PanelContent passage={passage} />
    </aside>
  );
}

function PanelContent({ passage }: { passage: Passage }) {
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => close.current?.focus({ preventScroll: true }), [passage]);
  return (
    <div
      class="panel-content"
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        closePassage();
      }}
    >
      <div class="panel-bar">
        <button type="button" class="icon-button" aria-label="Close document" ref={close} onClick={closePassage}>
          <Icon name="close" />
        </button>
        {!passage.gone && (
          <Link class="quiet-link" href={passageURL(passage)} onClick={() => (openPassage.value = null)}>
            Open as a page
          </Link>
        )}
      </div>
      <div class="panel-scroll" tabIndex={0} role="region" aria-label="Text of the document">
        <DocumentView passage={passage} level={2} />
      </div>
    </div>
  );
}
