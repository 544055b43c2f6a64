// What can be done with an answer that has ended.

import { useState } from 'preact/hooks';
import type { Answer } from '../api/schema';
import { answerAsMarkdown } from '../markdown/answer';
import { announce } from '../state/announcer';
import { Feedback } from './Feedback';
import { Icon } from './Icon';

const SHOWN_MS = 2000;

export function Actions({ answer, onAgain }: { answer: Answer; onAgain: () => void }) {
  return (
    <div class="actions">
      {answer.text !== '' && <CopyButton answer={answer} />}
      <button type="button" class="icon-button" aria-label="Ask again" title="Ask again" onClick={onAgain}>
        <Icon name="again" />
      </button>
      {answer.message_id !== '' && <Feedback message={answer.message_id} />}
    </div>
  );
}

function CopyButton({ answer }: { answer: Answer }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(answerAsMarkdown(answer));
    } catch {
      announce('The browser did not allow copying');
      return;
    }
    announce('Copied with its sources');
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return (
    <button
      type="button"
      class="icon-button"
      aria-label="Copy as Markdown with sources"
      title={copied ? 'Copied' : 'Copy as Markdown with sources'}
      onClick={() => void copy()}
    >
      <Icon name={copied ? 'check' : 'copy'} />
    </button>
  );
}
