import { useEffect, useState } from 'preact/hooks';

/** Up to this width the side panel and the list of conversations lie over the page instead of beside it. */
export const NARROW = '(max-width: 60rem)';

/** Whether a media query holds, and again when that changes. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const onChange = () => setMatches(list.matches);
    onChange();
    list.addEventListener('change', onChange);
    return () => list.removeEventListener('change', onChange);
  }, [query]);
  return matches;
}
