// A cairn: stones stacked by those who went before, so that those who come after find the way.

export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg class="logo" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false">
      <path
        class="stone"
        d="M4.5 29c-2.4-.3-3.3-1.9-2.7-4 .8-2.6 3.2-3.7 7.3-4.1 5-.5 12.4-.4 16.5.4 3.4.7 5.2 2.1 4.9 4.5-.2 2-1.7 3-4.3 3.3-5.3.5-17 .5-21.7-.1z"
      />
      <path
        class="stone light"
        d="M8.3 19.7c-2-.4-2.8-1.8-2.2-3.7.9-2.5 3.2-3.5 7-3.8 4.3-.3 8.3-.1 10.6.8 2.3.9 3.2 2.4 2.6 4.2-.6 1.7-2.1 2.4-4.5 2.7-4.2.4-10 .4-13.5-.2z"
      />
      <path
        class="stone"
        d="M12.2 11.1c-1.9-.4-2.6-1.9-1.9-3.7 1.2-2.9 3.4-4.6 6.3-4.7 3.2-.1 5.4 1.6 5.9 4.4.4 2.2-.6 3.6-2.9 4-2.4.4-5.3.4-7.4 0z"
      />
    </svg>
  );
}
