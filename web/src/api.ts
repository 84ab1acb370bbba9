// What the studio is asked, and what it answers (crates/bifrons-studio).

export interface Clip {
  id: number;
  name: string;
  frames: number;
  width_px: number;
  height_px: number;
  next_frame: number;
  done: boolean;
  faces: number;
}

export interface Person {
  name: string;
  clips: Clip[];
  faces: number;
  accepted: number;
  rejected: number;
  suspicious: number;
  coverage: { counts: number[][]; missing: string[] };
}

export interface Project {
  revision: number;
  name: string;
  preset: string;
  people: Person[];
  nobody: number;
  yaw_edges_deg: number[];
  pitch_edges_deg: number[];
}

/** All faces: place n of each list is about the same one. */
export interface Faces {
  revision: number;
  people: string[];
  reasons: string[];
  id: number[];
  clip: number[];
  track: number[];
  frame: number[];
  identity: number[];
  /** Place in `people`, -1 for nobody. */
  person: number[];
  /** 0 open, 1 accepted, 2 rejected. */
  verdict: number[];
  placed: number[];
  /** Places in `reasons`, the strongest first. */
  why: number[][];
  measures: Record<string, (number | null)[]>;
}

export interface Face {
  id: number;
  clip: string;
  width_px: number;
  height_px: number;
  frame: number;
  bbox: [number, number, number, number];
  points: [number, number][];
  placed: boolean;
}

export interface Undone {
  revision: number;
  decided: {
    kind: string;
    person: string | null;
    faces: number[];
    verdicts: number[];
    tracks: [number, number][];
  } | null;
}

export type Decision =
  | { kind: "accept" | "reject" | "reopen"; faces: number[] }
  | { kind: "assign"; tracks: [number, number][]; person: string | null };

/** An event of `bifrons --json`. */
export interface Report {
  event: string;
  stage?: string;
  item?: string;
  done?: number;
  total?: number;
  per_sec?: number;
  left_secs?: number;
  text?: string;
  hint?: string;
  iteration?: number;
  losses?: Record<string, number>;
  iterations_per_sec?: number;
  outcome?: string;
  error?: string;
}

export interface Job {
  kind: "extract" | "train";
  running: boolean;
  stopping: boolean;
  progress: Report | null;
  messages: Report[];
  result: Report | null;
}

export interface Training {
  curves: { person: string; iteration: number[]; loss: number[]; held_out: (number | null)[] }[];
  iteration: number | null;
  trained_secs: number | null;
  preview: number | null;
}

export type News =
  | { kind: "changed"; revision: number }
  | { kind: "job"; job: Job | null }
  | { kind: "preview" };

/** The studio said no, or is not there. */
export class Refused extends Error {
  constructor(readonly status: number, message: string, readonly hint: string | null) {
    super(message);
  }
}

async function ask<T>(path: string, body?: unknown): Promise<T> {
  const request: RequestInit =
    body === undefined
      ? {}
      : {
          method: "POST",
          headers: { "Content-Type": "application/json", "X-Bifrons": "1" },
          body: JSON.stringify(body),
        };
  const answer = await fetch(path, request).catch(() => {
    throw new Refused(0, "the studio does not answer", "is `bifrons studio` still running?");
  });
  if (answer.status === 204) return undefined as T;
  const told: unknown = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const { error, hint } = told as { error?: string; hint?: string | null };
    throw new Refused(answer.status, error ?? `the studio answered ${answer.status}`, hint ?? null);
  }
  return told as T;
}

export const api = {
  enter: (secret: string) => ask<void>("/api/session", { secret }),
  project: () => ask<Project>("/api/project"),
  faces: () => ask<Faces>("/api/faces"),
  face: (id: number) => ask<Face>(`/api/faces/${id}`),
  decide: (decision: Decision) => ask<{ revision: number }>("/api/decisions", decision),
  undo: () => ask<Undone>("/api/undo", {}),
  redo: () => ask<Undone>("/api/redo", {}),
  start: (kind: "extract" | "train", minutes?: number) =>
    ask<{ job: Job }>("/api/job", minutes === undefined ? { kind } : { kind, minutes }),
  stop: () => ask<{ job: Job }>("/api/job/stop", {}),
  place: (id: number, points: [number, number][]) =>
    ask<{ revision: number }>(`/api/faces/${id}/landmarks`, { points }),
  training: () => ask<Training>("/api/training"),
};

/** Listens until the page goes; comes back by itself when the studio does. */
export function listen(hear: (news: News) => void, connected: (yes: boolean) => void): void {
  const source = new EventSource("/api/events");
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
  source.onmessage = (message: MessageEvent<string>) => hear(JSON.parse(message.data) as News);
}
