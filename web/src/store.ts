// What the page knows, and which faces it shows in which order.

import type { Faces, Job, Project } from "./api.ts";

export const OPEN = 0;
export const ACCEPTED = 1;
export const REJECTED = 2;

export type GroupBy = "none" | "reason" | "track" | "identity";

export interface Filters {
  /** A name, "" for everybody, null for nobody. */
  person: string | null;
  /** -1 for any. */
  verdict: number;
  /** Place in the list of reasons, -1 for any, -2 for suspicious of anything. */
  reason: number;
  sort: string;
  group: GroupBy;
}

/** Faces (places in the lists) shown under one heading. */
export interface Group {
  title: string;
  faces: number[];
}

/** What faces can be sorted by: the name that people see, and whether small values come first. */
export const SORTS: Record<string, { title: string; rising: boolean }> = {
  suspicion: { title: "Most suspicious", rising: false },
  frame: { title: "As filmed", rising: true },
  likeness: { title: "Least alike", rising: true },
  sharpness: { title: "Least sharp", rising: true },
  confidence: { title: "Least sure", rising: true },
  jump: { title: "Jumpiest landmarks", rising: false },
  novelty: { title: "Least new", rising: true },
  size_px: { title: "Smallest", rising: true },
  yaw_deg: { title: "Turned left to right", rising: true },
  pitch_deg: { title: "Looking down to up", rising: true },
  mouth: { title: "Mouth most open", rising: false },
  eyes: { title: "Eyes most closed", rising: true },
  covered: { title: "Most covered", rising: false },
  smile: { title: "Widest smile", rising: false },
  brows_up: { title: "Brows most raised", rising: false },
  light: { title: "Darkest", rising: true },
  light_side: { title: "Lit from left to right", rising: true },
};

export const GROUPS: Record<GroupBy, string> = {
  none: "Suspicious and rest",
  reason: "Reason",
  track: "Track",
  identity: "Who looks alike",
};

export const state = {
  project: null as Project | null,
  faces: null as Faces | null,
  job: null as Job | null,
  filters: { person: "", verdict: -1, reason: -1, sort: "suspicion", group: "none" } as Filters,
  /** Shown now. */
  groups: [] as Group[],
  /** The same without headings. */
  order: [] as number[],
  /** Place in `order`. */
  cursor: 0,
  /** Where a range began. */
  anchor: 0,
  /** Selected faces, by id: they stay selected when the order changes. */
  selected: new Set<number>(),
};

/** What we have decided ourselves need not be read again. */
export function know(revision: number): void {
  if (state.faces) state.faces.revision = Math.max(state.faces.revision, revision);
}

/** The person's name, or "nobody". */
export const nameOf = (faces: Faces, at: number): string => faces.people[faces.person[at] ?? -1] ?? "nobody";

export const isSuspicious = (faces: Faces, at: number): boolean => (faces.why[at] ?? []).length > 0;

export function matches(faces: Faces, at: number, filters: Filters): boolean {
  const { person, verdict, reason } = filters;
  if (person === null && faces.person[at] !== -1) return false;
  if (person && nameOf(faces, at) !== person) return false;
  if (verdict >= 0 && faces.verdict[at] !== verdict) return false;
  const why = faces.why[at] ?? [];
  return reason === -1 || (reason === -2 ? why.length > 0 : why.includes(reason));
}

const trackOf = (faces: Faces, at: number): number => (faces.clip[at] ?? 0) * 2 ** 24 + (faces.track[at] ?? 0);

/** Sorts and groups anew; the cursor stays on its face where that is still shown, else where it is. */
export function arrange(): void {
  const { faces, filters } = state;
  if (!faces) return;
  const under = state.order[state.cursor];
  const id = under === undefined ? undefined : faces.id[under];
  const shown: number[] = [];
  for (let at = 0; at < faces.id.length; at++) if (matches(faces, at, filters)) shown.push(at);

  const asFilmed = (a: number, b: number) =>
    (faces.clip[a] ?? 0) - (faces.clip[b] ?? 0) ||
    (faces.frame[a] ?? 0) - (faces.frame[b] ?? 0) ||
    (faces.track[a] ?? 0) - (faces.track[b] ?? 0);
  const values = faces.measures[filters.sort];
  if (values) {
    const sign = SORTS[filters.sort]?.rising ? 1 : -1;
    const key = (at: number) => (values[at] === null ? Infinity : sign * (values[at] ?? 0));
    shown.sort((a, b) => (key(a) === key(b) ? asFilmed(a, b) : key(a) - key(b)));
  } else {
    shown.sort(asFilmed);
  }

  const groups = new Map<string | number, Group>();
  for (const at of shown) {
    const [key, title] = groupOf(faces, at, filters);
    const group = groups.get(key);
    if (group) group.faces.push(at);
    else groups.set(key, { title, faces: [at] });
  }
  state.groups = [...groups.entries()]
    // reasons from the gravest on; everything else as its first face stands
    .sort(([a], [b]) => (filters.group === "reason" ? Number(a) - Number(b) : 0))
    .map(([, group]) => group);
  state.order = state.groups.flatMap((group) => group.faces);
  const again = id === undefined ? -1 : state.order.findIndex((at) => faces.id[at] === id);
  state.cursor = again >= 0 ? again : Math.min(state.cursor, Math.max(0, state.order.length - 1));
  state.anchor = state.cursor;
}

function groupOf(faces: Faces, at: number, { group, sort }: Filters): [string | number, string] {
  const clip = faces.clip[at] ?? 0;
  const first = (faces.why[at] ?? [])[0];
  switch (group) {
    case "track":
      return [trackOf(faces, at), `Clip ${clip}, track ${faces.track[at]} · ${nameOf(faces, at)}`];
    case "identity": {
      const identity = (faces.identity[at] ?? 0) + 1;
      return [identity, `Look ${identity}`];
    }
    case "reason":
      return first === undefined ? [99, "Nothing suspicious"] : [first, capital(faces.reasons[first] ?? "")];
    case "none":
      if (sort !== "suspicion") return [0, SORTS[sort]?.title ?? "Faces"];
      return first === undefined ? [1, "Nothing suspicious"] : [0, "Suspicious"];
  }
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The faces a decision is about: those selected and shown, else the one under the cursor. */
export function meant(): number[] {
  const { faces, selected, order, cursor } = state;
  if (!faces) return [];
  const chosen = order.filter((at) => selected.has(faces.id[at] ?? -1));
  if (chosen.length > 0) return chosen;
  const under = order[cursor];
  return under === undefined ? [] : [under];
}

/** The group that the cursor is in. */
export function groupAtCursor(): Group | undefined {
  const under = state.order[state.cursor];
  return under === undefined ? undefined : state.groups.find((group) => group.faces.includes(under));
}

/** The tracks of some faces. */
export function tracksOf(faces: Faces, which: number[]): [number, number][] {
  const found = new Map<number, [number, number]>();
  for (const at of which) found.set(trackOf(faces, at), [faces.clip[at] ?? 0, faces.track[at] ?? 0]);
  return [...found.values()];
}
