// A cairn: stones stacked by those who went before, so that those who come after find the way.

export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg class="logo" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false">
      <path class="stone" d="M3 26.2c0-2.9 4.6-4.4 13.2-4.4S29 23.4 29 26.1c0 2.2-3.7 3.4-13 3.4S3 28.4 3 26.2z" />
      <path
        class="stone light"
        d="M6.4 17.9c0-2.6 3.8-3.9 10-3.9 6 0 9.2 1.4 9.2 3.7 0 2.2-3.4 3.4-9.7 3.4-6.2 0-9.5-1-9.5-3.2z"
      />
      <path class="stone" d="M9.6 10.5c0-2.2 2.5-3.5 6.7-3.5 4 0 6 1.2 6 3.2 0 2-2.2 3-6.2 3-4.1 0-6.5-.8-6.5-2.7z" />
      <path
        class="stone light"
        d="M12.6 4.3c0-1.3 1.5-2 3.6-2 2.2 0 3.4.7 3.4 1.9s-1.3 1.9-3.5 1.9c-2.2 0-3.5-.6-3.5-1.8z"
      />
    </svg>
  );
}
