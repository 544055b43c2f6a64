import { useEffect } from 'preact/hooks';

/** Sets the title of the page in the browser's tab. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? 'Cairn' : `${title} – Cairn`;
  }, [title]);
}
