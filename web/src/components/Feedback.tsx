// Whether an answer was good, and if not, why.

import { useState } from 'preact/hooks';
import { explain } from '../api/client';
import * as api from '../api/routes';
import type { FeedbackRequest } from '../api/schema';
import { announce } from '../state/announcer';
import { Icon } from './Icon';

type Reason = NonNullable<FeedbackRequest['reason']>;

const reasons: [Reason, string][] = [
  ['wrong', 'It is wrong'],
  ['wrong_source', 'Wrong source'],
  ['outdated', 'Outdated'],
  ['incomplete', 'Incomplete'],
  ['unsafe', 'Should not be shown'],
  ['other', 'Something else'],
];

export function Feedback({ message }: { message: string }) {
  const [rating, setRating] = useState<'up' | 'down' | null>(null);
  const [asking, setAsking] = useState(false);
  const [failure, setFailure] = useState('');

  const send = async (feedback: FeedbackRequest) => {
    setFailure('');
    try {
      await api.giveFeedback(message, feedback);
      setRating(feedback.rating);
      announce('Thank you for the feedback');
    } catch (error) {
      setFailure(explain(error));
    }
  };
  return (
    <>
      <button
        type="button"
        class="icon-button"
        aria-pressed={rating === 'up'}
        aria-label="Good answer"
        title="Good answer"
        onClick={() => {
          setAsking(false);
          void send({ rating: 'up' });
        }}
      >
        <Icon name="up" />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-pressed={rating === 'down'}
        aria-expanded={asking}
        aria-label="Bad answer"
        title="Bad answer"
        onClick={() => {
          setAsking(!asking);
          if (rating !== 'down') void send({ rating: 'down' });
        }}
      >
        <Icon name="down" />
      </button>
      {asking && (
        <ReasonForm
          onSend={(reason, comment) => {
            setAsking(false);
            void send({ rating: 'down', reason, ...(comment ? { comment } : {}) });
          }}
          onCancel={() => setAsking(false)}
        />
      )}
      {failure && <p class="failure">{failure}</p>}
    </>
  );
}

function ReasonForm({ onSend, onCancel }: { onSend: (reason: Reason, comment: string) => void; onCancel: () => void }) {
  const [reason, setReason] = useState<Reason>('wrong');
  const [comment, setComment] = useState('');
  return (
    <form
      class="reasons"
      onSubmit={(event) => {
        event.preventDefault();
        onSend(reason, comment.trim());
      }}
    >
      <fieldset>
        <legend>What is wrong with it?</legend>
        <div class="choices">
          {reasons.map(([value, label]) => (
            <label class="choice" key={value}>
              <input type="radio" name="reason" checked={reason === value} onChange={() => setReason(value)} />
              <span>{label}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <label class="field">
        <span>Anything to add? (optional)</span>
        <input
          type="text"
          maxLength={4000}
          value={comment}
          onInput={(event) => setComment(event.currentTarget.value)}
        />
      </label>
      <div class="buttons">
        <button type="submit" class="button primary">
          Send
        </button>
        <button type="button" class="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
