// Values in words.

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const minute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const number = new Intl.NumberFormat();

/** The day of a time, empty when there is none. */
export function formatDay(time: string | null | undefined): string {
  return time ? day.format(new Date(time)) : '';
}

/** The day and minute of a time. */
export function formatTime(time: string | null | undefined): string {
  return time ? minute.format(new Date(time)) : '';
}

/** How long ago a time is, in the largest unit that fits. */
export function formatAge(time: string, now = Date.now()): string {
  const seconds = (new Date(time).getTime() - now) / 1000;
  const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ['day', 86400],
    ['hour', 3600],
    ['minute', 60],
  ];
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
  }
  return relative.format(Math.round(seconds), 'second');
}

export function formatNumber(value: number): string {
  return number.format(value);
}

export function formatDuration(ms: number): string {
  return ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** A count with its noun: "1 source", "3 sources". */
export function plural(count: number, one: string, many = one + 's'): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

/** A path of headings; the title of the document is left out where it is the first of them. */
export function formatHeading(heading: readonly string[], title = ''): string {
  return (heading[0] === title ? heading.slice(1) : heading).join(' › ');
}
