import { announcement } from '../state/announcer';

/** The page's only status region; it is heard, not seen. */
export function Announcer() {
  return (
    <div class="visually-hidden" role="status">
      {announcement}
    </div>
  );
}
