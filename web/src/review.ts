// The page on which faces are reviewed: filters, wall, one face closely, and the keys for it.

import { api, type Decision, type Faces, Refused, type Undone } from "./api.ts";
import { announce, h, thousands, toast } from "./dom.ts";
import { editLandmarks } from "./editor.ts";
import { askPerson, showFrame } from "./help.ts";
import { type Action, inspect, lookAgain, makeInspector } from "./inspector.ts";
import { fillSidebar, makeSidebar } from "./sidebar.ts";
import { forgetThumbnails } from "./thumbnails.ts";
import { ACCEPTED, OPEN, REJECTED, arrange, groupAtCursor, know, meant, state, tracksOf } from "./store.ts";
import { describe, draw, focusWall, layOut, makeWall, moveRow, moveTo, pageOfFaces, resize, reveal, toggle } from "./wall.ts";

const WORDS = { accept: "accepted", reject: "rejected", reopen: "left open" };
const VERDICTS = { accept: ACCEPTED, reject: REJECTED, reopen: OPEN };

/** Decisions sent and not yet answered: what the studio says of before them is old. */
let pending = 0;

export function reviewPage(): HTMLElement {
  return h("div", { class: "review" }, makeSidebar(refilter), makeWall(inspect, enlarge), makeInspector(act));
}

function act(action: Action): void {
  if (action === "assign") assign();
  else if (action === "edit") edit();
  else void judge(action);
  if (action === "accept" || action === "reject") focusWall();
}

function edit(): void {
  void editLandmarks(() => {
    forgetThumbnails();
    lookAgain();
    void refreshFaces();
  });
}

/** Shows what the filters let through. */
export function refilter(): void {
  arrange();
  fillSidebar();
  layOut();
  reveal();
  inspect();
}

/** Reads all faces anew. The order stays as it is while the same faces are there: nothing moves under the cursor. */
export async function refreshFaces(): Promise<void> {
  const before = state.faces;
  const faces = await api.faces();
  if (pending > 0 || faces.revision < (before?.revision ?? 0)) return;
  state.faces = faces;
  const same = (one: number[] | undefined, other: number[]) =>
    one?.length === other.length && other.every((value, at) => value === one[at]);
  if (!same(before?.placed, faces.placed)) {
    forgetThumbnails();
    lookAgain();
  }
  if (!document.getElementById("wall")) return;
  const isKept = same(before?.id, faces.id) && same(before?.person, faces.person) && state.filters.verdict < 0;
  if (!isKept) {
    refilter();
    return;
  }
  fillSidebar();
  draw();
  inspect();
}

async function send(decision: Decision): Promise<boolean> {
  pending += 1;
  try {
    know((await api.decide(decision)).revision);
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(`Not saved: ${error.message}`, true);
    return false;
  } finally {
    pending -= 1;
  }
}

/** Decides about the faces meant: shown at once, and taken back when it could not be saved. */
export async function judge(kind: keyof typeof WORDS): Promise<void> {
  const { faces } = state;
  const which = meant();
  if (!faces || which.length === 0) return;
  const before = which.map((at) => faces.verdict[at] ?? OPEN);
  const next = state.order[state.cursor + 1];
  const single = state.selected.size === 0;
  setVerdicts(faces, which, () => VERDICTS[kind]);
  state.selected.clear();
  after(single && next !== undefined ? (faces.id[next] ?? null) : null);
  toast(`${which.length === 1 ? "1 face" : `${thousands(which.length)} faces`} ${WORDS[kind]} · U takes it back`);
  if (!(await send({ kind, faces: which.map((at) => faces.id[at] ?? -1) }))) {
    setVerdicts(faces, which, (n) => before[n] ?? OPEN);
    after(null);
  }
}

function setVerdicts(faces: Faces, which: number[], verdict: (n: number) => number): void {
  which.forEach((at, n) => (faces.verdict[at] = verdict(n)));
}

/** After verdicts have changed: shows them, with the cursor on the face `to` where that is given and shown. */
function after(to: number | null): void {
  const { faces, filters } = state;
  if (filters.verdict >= 0) arrange();
  const place = to === null || !faces ? -1 : state.order.findIndex((at) => faces.id[at] === to);
  fillSidebar();
  layOut();
  if (place >= 0) moveTo(place, false);
  else {
    inspect();
    announce(describe(state.cursor));
  }
}

/** Undo, or redo. Says what kind of decision it was about. */
export async function takeBack(redo: boolean): Promise<string | null> {
  let told: Undone;
  try {
    told = await (redo ? api.redo() : api.undo());
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, true);
    return null;
  }
  know(told.revision);
  const { decided } = told;
  if (!decided) {
    toast(redo ? "There is nothing to redo" : "There is nothing to undo");
    return null;
  }
  const many = decided.tracks.length || decided.faces.length;
  const number = (word: string) => (many === 1 ? `1 ${word}` : `${thousands(many)} ${word}s`);
  const what =
    decided.kind === "adjust"
      ? `how ${number("track")} ${many === 1 ? "is" : "are"} put on`
      : decided.tracks.length > 0
        ? `whose ${number("track")}`
        : `${decided.kind === "place" ? "landmarks" : decided.kind} of ${number("face")}`;
  toast(`${redo ? "Done again" : "Taken back"}: ${what}`);
  const { faces } = state;
  if (!faces || decided.kind === "adjust") return decided.kind;
  const now = new Map(decided.faces.map((id, n) => [id, decided.verdicts[n] ?? OPEN]));
  faces.id.forEach((id, at) => {
    const verdict = now.get(id);
    if (verdict !== undefined) faces.verdict[at] = verdict;
  });
  if (document.getElementById("wall")) after(null);
  if (decided.kind === "place") {
    forgetThumbnails();
    lookAgain();
  }
  if (decided.tracks.length > 0 || decided.kind === "place") await refreshFaces();
  return decided.kind;
}

function assign(): void {
  const { faces } = state;
  const which = meant();
  if (!faces || which.length === 0) return;
  const tracks = tracksOf(faces, which);
  askPerson(faces.people, tracks.length, (person) => {
    void send({ kind: "assign", tracks, person }).then(async (saved) => {
      if (!saved) return;
      toast(`${tracks.length === 1 ? "This track" : `${tracks.length} tracks`}: ${person ?? "nobody"} · U takes it back`);
      state.selected.clear();
      await refreshFaces();
    });
    focusWall();
  });
}

function enlarge(): void {
  const { faces } = state;
  const at = state.order[state.cursor];
  if (faces && at !== undefined) showFrame(faces.id[at] ?? -1, describe(state.cursor));
}

function select(which: number[]): void {
  const { faces } = state;
  if (!faces) return;
  const ids = which.map((at) => faces.id[at] ?? -1);
  // again: no longer
  if (ids.every((id) => state.selected.has(id))) ids.forEach((id) => state.selected.delete(id));
  else ids.forEach((id) => state.selected.add(id));
  draw();
  announce(`${thousands(state.selected.size)} faces selected`);
}

function selectTrack(): void {
  const { faces } = state;
  const at = state.order[state.cursor];
  if (!faces || at === undefined) return;
  select(state.order.filter((n) => faces.clip[n] === faces.clip[at] && faces.track[n] === faces.track[at]));
}

/** Does what a key means here. `false` when it means nothing. */
export function reviewKey(event: KeyboardEvent): boolean {
  const extend = event.shiftKey;
  switch (event.key) {
    case "ArrowLeft":
      moveTo(state.cursor - 1, extend);
      return true;
    case "ArrowRight":
      moveTo(state.cursor + 1, extend);
      return true;
    case "ArrowUp":
      moveRow(-1, extend);
      return true;
    case "ArrowDown":
      moveRow(1, extend);
      return true;
    case "PageUp":
      moveTo(state.cursor - pageOfFaces(), extend);
      return true;
    case "PageDown":
      moveTo(state.cursor + pageOfFaces(), extend);
      return true;
    case "Home":
      moveTo(0, extend);
      return true;
    case "End":
      moveTo(state.order.length - 1, extend);
      return true;
    case "Enter":
      enlarge();
      return true;
    case " ":
      toggle(state.cursor);
      return true;
    case "Escape":
      state.selected.clear();
      draw();
      return true;
    case "+":
    case "=":
      resize(1);
      return true;
    case "-":
      resize(-1);
      return true;
  }
  switch (event.key.toLowerCase()) {
    case "x":
      void judge("reject");
      return true;
    case "a":
      void judge("accept");
      return true;
    case "o":
      void judge("reopen");
      return true;
    case "g":
      select(groupAtCursor()?.faces ?? []);
      return true;
    case "e":
      edit();
      return true;
    case "t":
      selectTrack();
      return true;
    case "p":
      assign();
      return true;
  }
  return false;
}
