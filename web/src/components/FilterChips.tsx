// One filter of a search: choosing a value narrows the results, choosing it again takes it away.

interface Option {
  value: string;
  label: string;
}

interface Props {
  label: string;
  chosen: string;
  options: Option[];
  onChoose: (value: string) => void;
}

export function FilterChips({ label, chosen, options, onChoose }: Props) {
  const all =
    options.some((option) => option.value === chosen) || chosen === ''
      ? options
      : [...options, { value: chosen, label: chosen }];
  if (all.length === 0) return null;
  return (
    <div class="filter" role="group" aria-label={label}>
      <span class="label">{label}</span>
      {all.map((option) => (
        <button
          type="button"
          class="filter-chip"
          key={option.value}
          aria-pressed={option.value === chosen}
          onClick={() => onChoose(option.value === chosen ? '' : option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}
