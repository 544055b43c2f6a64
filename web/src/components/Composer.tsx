// Where a question is typed. Enter sends, Shift+Enter begins a line, Escape stops the answer, / comes here from anywhere.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { keepDraft, readDraft } from '../state/drafts';
import { me } from '../state/session';
import { thread } from '../state/thread';
import { Icon } from './Icon';
import { SourceScope } from './SourceScope';

const MAX_LENGTH = 8000;

export function Composer({ onAsk }: { onAsk: (question: string) => Promise<boolean> }) {
  const person = me.value?.id ?? '';
  const conversation = thread.id.value;
  const running = thread.running.value;
  const [text, setText] = useState(() => readDraft(person, conversation));
  const field = useRef<HTMLTextAreaElement>(null);

  const change = (value: string) => {
    setText(value);
    keepDraft(person, conversation, value);
  };
  const send = () => {
    const question = text.trim();
    if (question === '' || running) return;
    change('');
    void onAsk(question).then((taken) => {
      if (!taken) keepDraft(person, conversation, question);
    });
  };

  useEffect(() => setText(readDraft(person, conversation)), [person, conversation]);
  useLayoutEffect(() => fit(field.current), [text]);
  useEffect(() => {
    // On a touch screen the keyboard would cover half of the page.
    if (conversation === '' && matchMedia('(hover: hover)').matches) field.current?.focus({ preventScroll: true });
  }, [conversation]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      if (event.key === 'Escape' && thread.running.peek()) void thread.stop();
      if (event.key === '/' && !isTyping(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        field.current?.focus();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label class="visually-hidden" for="question">
        Your question
      </label>
      <textarea
        id="question"
        ref={field}
        rows={1}
        maxLength={MAX_LENGTH}
        placeholder="Ask your documents"
        aria-keyshortcuts="/"
        autoComplete="off"
        value={text}
        onInput={(event) => change(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <div class="composer-row">
        <SourceScope />
        {running ? (
          <button type="button" class="round" aria-label="Stop" title="Stop (Esc)" onClick={() => void thread.stop()}>
            <Icon name="stop" />
          </button>
        ) : (
          <button type="submit" class="round" aria-label="Ask" title="Ask (Enter)" disabled={text.trim() === ''}>
            <Icon name="send" />
          </button>
        )}
      </div>
    </form>
  );
}

/** Makes the field as high as its text; the style sheet sets a limit. */
function fit(field: HTMLTextAreaElement | null): void {
  if (!field) return;
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
