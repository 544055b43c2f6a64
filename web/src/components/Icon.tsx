// The icons of the interface: strokes on a grid of 24, drawn in the colour of the text around them.

const paths = {
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4',
  send: 'M12 19V5M6 11l6-6 6 6',
  stop: 'M7 7h10v10H7z',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  again: 'M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 3.5v4h-4',
  up: 'M7 11v9H4v-9zM7 11l4-7c1.7 0 2.5 1.2 2.2 2.7L12.6 10H19l-1.5 10H7',
  down: 'M7 13V4H4v9zM7 13l4 7c1.7 0 2.5-1.2 2.2-2.7L12.6 14H19L17.5 4H7',
  check: 'M5 13l4.5 4.5L19 7.5',
  left: 'M15 6l-6 6 6 6',
  right: 'M9 6l6 6-6 6',
  external: 'M14 5h5v5M19 5l-8 8M17 14v5H5V7h5',
  document: 'M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5',
  sources:
    'M5 6c0-1.5 3-2.5 7-2.5S19 4.5 19 6s-3 2.5-7 2.5S5 7.5 5 6zM5 6v12c0 1.5 3 2.5 7 2.5s7-1 7-2.5V6M5 12c0 1.5 3 2.5 7 2.5s7-1 7-2.5',
  key: 'M8 19a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM11.2 11.3L20 4M16 7.5l3 3',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  out: 'M10 4H5v16h5M15 8l4 4-4 4M19 12H9',
  bottom: 'M12 5v14M6 13l6 6 6-6',
  panel: 'M4 5h16v14H4zM9.5 5v14',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
