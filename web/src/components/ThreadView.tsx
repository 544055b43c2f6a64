// The turns of a conversation. While an answer is written the page stays at its end, until the reader scrolls up.

import { useEffect, useRef, useState } from 'preact/hooks';
import { thread } from '../state/thread';
import { Icon } from './Icon';
import { TurnView } from './TurnView';

/** This close to the end counts as being there. */
const NEAR = 80;

export function ThreadView() {
  const element = useRef<HTMLDivElement>(null);
  const atEnd = useStickToEnd(element);
  return (
    <div class="thread" ref={element}>
      {thread.loading.value && <p class="status">Opening the conversation…</p>}
      {thread.failure.value && <p class="failure">{thread.failure.value}</p>}
      {thread.steps.value.map((step) => (
        <TurnView step={step} key={step.turn.key} />
      ))}
      {!atEnd && thread.running.value && (
        <button type="button" class="button to-end" onClick={scrollToEnd}>
          <Icon name="bottom" /> To the end
        </button>
      )}
    </div>
  );
}

/** Keeps the end of the page in view while the element grows and an answer is being made; returns whether it is in view. */
function useStickToEnd(element: { current: HTMLElement | null }): boolean {
  const [atEnd, setAtEnd] = useState(true);
  const stick = useRef(true);
  useEffect(() => {
    let last = scrollY;
    const onScroll = () => {
      const near = distanceToEnd() < NEAR;
      // Growth of the page changes the distance too: only a reader scrolls up.
      if (near) stick.current = true;
      else if (scrollY < last) stick.current = false;
      last = scrollY;
      setAtEnd(stick.current);
    };
    const observer = new ResizeObserver(() => {
      if (stick.current && thread.running.peek()) scrollToEnd();
    });
    if (element.current) observer.observe(element.current);
    addEventListener('scroll', onScroll, { passive: true });
    return () => {
      observer.disconnect();
      removeEventListener('scroll', onScroll);
    };
  }, []);
  // A new question is to be seen, wherever the reader was.
  const newest = thread.steps.value.at(-1)?.turn.key;
  useEffect(() => {
    if (!thread.running.peek()) return;
    stick.current = true;
    setAtEnd(true);
    scrollToEnd();
  }, [newest]);
  return atEnd;
}

function distanceToEnd(): number {
  return document.documentElement.scrollHeight - innerHeight - scrollY;
}

function scrollToEnd(): void {
  scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' });
}
