// The messages of a conversation form a tree: a question asked again from the same place is a branch.

/** What the tree needs to know of a turn. */
export interface Node {
  key: string;
  /** Id of the message; empty while the server has not told it. */
  id: string;
  /** Id of the message before it, null for a first one. */
  parent: string | null;
}

/** A turn of the branch that is shown, with the turns that could stand in its place, oldest first. */
export interface Step<T extends Node> {
  turn: T;
  siblings: T[];
}

/** Returns the branch that is shown: at each place the chosen turn (by key of the parent's id), else the newest. */
export function branch<T extends Node>(turns: readonly T[], chosen: Readonly<Record<string, string>>): Step<T>[] {
  const ids = new Set(turns.map((turn) => turn.id));
  const children = new Map<string, T[]>();
  for (const turn of turns) {
    const parent = turn.parent !== null && ids.has(turn.parent) ? turn.parent : '';
    children.set(parent, [...(children.get(parent) ?? []), turn]);
  }
  const steps: Step<T>[] = [];
  const seen = new Set<string>();
  for (let at: string | null = ''; at !== null && !seen.has(at);) {
    seen.add(at);
    const siblings: T[] = children.get(at) ?? [];
    const turn: T | undefined = siblings.find((sibling) => sibling.key === chosen[at as string]) ?? siblings.at(-1);
    if (!turn) break;
    steps.push({ turn, siblings });
    at = turn.id === '' ? null : turn.id;
  }
  return steps;
}
