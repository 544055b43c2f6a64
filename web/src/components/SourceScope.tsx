// Which sources a question goes to: all, or those that are chosen.

import { useEffect, useRef } from 'preact/hooks';
import { sources } from '../state/sources';
import { thread } from '../state/thread';
import { plural } from './format';
import { Icon } from './Icon';

export function SourceScope() {
  const names = (sources.value ?? []).map((source) => source.name);
  const chosen = thread.sources.value;
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const onPointer = (event: Event) => {
      if (menu.current && !menu.current.contains(event.target as Node)) menu.current.open = false;
    };
    addEventListener('pointerdown', onPointer);
    return () => removeEventListener('pointerdown', onPointer);
  }, []);
  if (names.length < 2) return <span />;
  const toggle = (name: string) => {
    thread.sources.value = chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name];
  };
  return (
    <details
      class="scope"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !menu.current?.open) return;
        event.preventDefault();
        menu.current.open = false;
        menu.current.querySelector('summary')?.focus();
      }}
    >
      <summary>
        <Icon name="sources" />
        {chosen.length === 0 ? 'All sources' : chosen.length === 1 ? chosen[0] : plural(chosen.length, 'source')}
      </summary>
      <fieldset class="scope-menu">
        <legend>Ask only these sources</legend>
        {names.map((name) => (
          <label class="choice" key={name}>
            <input type="checkbox" checked={chosen.includes(name)} onChange={() => toggle(name)} />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
    </details>
  );
}
