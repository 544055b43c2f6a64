// Pages that few people open are loaded when they are opened.

import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** Returns a component that loads another one when it is first shown. */
export function lazy(load: () => Promise<{ default: ComponentType }>): ComponentType {
  let loaded: ComponentType | null = null;
  return function Lazy() {
    const [Component, setComponent] = useState<ComponentType | null>(() => loaded);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded) return;
      load().then(
        (module) => {
          loaded = module.default;
          setComponent(() => loaded);
        },
        () => setFailed(true),
      );
    }, []);
    if (failed) return <p class="failure">This page could not be loaded. Reload to try again.</p>;
    return Component ? <Component /> : <p class="status">Opening…</p>;
  };
}
