// Asking: an empty page with a field for the first question, or a conversation.

import { effect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { Composer } from '../components/Composer';
import { Logo } from '../components/Logo';
import { ThreadView } from '../components/ThreadView';
import { Welcome } from '../components/Welcome';
import { thread } from '../state/thread';
import { useTitle } from './useTitle';

export function AskPage({ conversation }: { conversation: string }) {
  const [, navigate] = useLocation();
  const steps = thread.steps.value;
  useTitle(steps[0]?.turn.question ?? '');
  useEffect(() => void thread.open(conversation), [conversation]);
  // A first question makes a conversation: its address takes the place of the empty page's.
  useEffect(
    () =>
      effect(() => {
        const id = thread.id.value;
        if (conversation === '' && id !== '' && thread.steps.peek().length > 0) navigate(`/c/${id}`, { replace: true });
      }),
    [conversation],
  );

  const empty = conversation === '' && steps.length === 0;
  return (
    <div class={empty ? 'ask empty' : 'ask'}>
      {empty ? (
        <header class="hello">
          <Logo size={56} />
          <h1>What would you like to know?</h1>
          <p class="quiet">Answers come from your company’s documents, with the passage behind each sentence.</p>
        </header>
      ) : (
        <>
          <h1 class="visually-hidden">Conversation</h1>
          <ThreadView />
        </>
      )}
      <div class="composer-place">
        <Composer onAsk={(question) => thread.ask(question)} />
      </div>
      {empty && <Welcome />}
    </div>
  );
}
