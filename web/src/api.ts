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

/** How a face is put on: the numbers, each with its range in `Film.knobs`, and two choices. */
export interface Settings {
  skip: boolean;
  mask_size: number;
  feather: number;
  color_match: number;
  detail: number;
  grain: number;
  keep_in_front: boolean;
}

export type Knob = "mask_size" | "feather" | "color_match" | "detail" | "grain";

export interface Footage {
  id: number;
  name: string;
  person: string;
  frames: number;
  width_px: number;
  height_px: number;
  done: boolean;
  /** First frame of each shot; null when cuts were not noted. */
  shots: number[] | null;
  tracks: { track: number; first: number; last: number; settings: Settings }[];
}

export interface Film {
  revision: number;
  /** Whom the model can draw. */
  identities: string[];
  iteration: number | null;
  knobs: { name: Knob; least: number; most: number }[];
  defaults: Settings;
  clips: Footage[];
}

/** Which share of the frame faces take: place n of each list is about the same one. */
export interface Masks {
  frame: number[];
  track: number[];
  share: number[];
}

export type View = "footage" | "result" | "mask" | "matte" | "in_front";

export interface FrameWanted {
  clip: number;
  frame: number;
  view: View;
  close: boolean;
  identity?: string;
  settings?: Settings;
  steady?: boolean;
}

export interface FrameShown {
  picture: ImageBitmap;
  /** Whether all neighbours in time counted, as in the film. */
  steady: boolean;
  /** Share of the frame under the mask. */
  mask: number | null;
  /** Whether somebody has no record of consent. */
  labelled: boolean;
}

export type Decision =
  | { kind: "accept" | "reject" | "reopen"; faces: number[] }
  | { kind: "assign"; tracks: [number, number][]; person: string | null }
  | { kind: "adjust"; tracks: [number, number][]; settings: Settings | null };

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
  outputs?: string[];
  error?: string;
}

export interface Job {
  kind: "extract" | "train" | "convert";
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

async function send(path: string, body?: unknown): Promise<Response> {
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
  if (!answer.ok) {
    const { error, hint } = (await answer.json().catch(() => ({}))) as { error?: string; hint?: string | null };
    throw new Refused(answer.status, error ?? `the studio answered ${answer.status}`, hint ?? null);
  }
  return answer;
}

async function ask<T>(path: string, body?: unknown): Promise<T> {
  const answer = await send(path, body);
  if (answer.status === 204) return undefined as T;
  return (await answer.json().catch(() => ({}))) as T;
}

async function frame(wanted: FrameWanted): Promise<FrameShown> {
  const answer = await send("/api/film/frame", wanted);
  const mask = answer.headers.get("x-mask");
  return {
    picture: await createImageBitmap(await answer.blob()),
    steady: answer.headers.get("x-steady") === "1",
    mask: mask === null ? null : Number(mask),
    labelled: answer.headers.get("x-labelled") === "1",
  };
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
  convert: (clip: number, identity: string, matte: boolean) =>
    ask<{ job: Job }>("/api/job", { kind: "convert", film: { clip, identity, matte } }),
  film: () => ask<Film>("/api/film"),
  masks: (clip: number) => ask<Masks>(`/api/film/${clip}/masks`),
  frame,
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
