// The page on which people choose, shot by shot, how the new face is put on, and have the film made.

import { fillPanel, isDefault, makePanel } from "./adjust.ts";
import { api, Refused, type Film, type Footage, type Masks, type Settings, type View } from "./api.ts";
import { announce, byId, h, thousands, toast } from "./dom.ts";
import { showFilmJob } from "./filmjob.ts";
import { convert, stop } from "./jobs.ts";
import { SplitView, type Seen } from "./splitview.ts";
import { know, state } from "./store.ts";
import { STRIP_PX, drawStrip, frameUnder, shotAt, shotsOf, tracksIn, type Strip } from "./strip.ts";

const VIEWS: [View, string][] = [
  ["result", "Result"],
  ["mask", "Mask"],
  ["matte", "Matte"],
  ["in_front", "In front"],
  ["footage", "Footage"],
];

let film: Film | null = null;
let masks: { clip: number; revision: number; masks: Masks } | null = null;
let picture: SplitView | null = null;
let clip = 0;
let identity = "";
let frame = 0;
let view: View = "result";
let close = false;
let matte = false;
/** What is tried while a slider is moved, until it is saved. */
let tried: Settings | null = null;
/** Shares of the frame under the mask, by frame, as they were drawn. */
const measured = new Map<number, number>();

/** Goes where an address says: clip, identity, frame. */
export function goTo([toClip, toIdentity, toFrame]: string[]): void {
  clip = Number(toClip) || 0;
  identity = decodeURIComponent(toIdentity ?? "");
  frame = Number(toFrame) || 0;
}

function footage(): Footage | null {
  return film?.clips.find(({ id }) => id === clip) ?? null;
}

/** Whose face can be put onto a clip. */
const identitiesFor = (of: Footage): string[] => film?.identities.filter((name) => name !== of.person) ?? [];

/** The clips that a face can be put onto: of somebody else than everybody the model can draw. */
const convertible = (): Footage[] => film?.clips.filter((of) => of.done && identitiesFor(of).length > 0) ?? [];

export function filmPage(): HTMLElement {
  picture = null;
  return h("div", { class: "film", id: "film" }, h("p", { class: "hint" }, "Looking…"));
}

/** Reads all anew, when the page is open. */
export async function refreshFilm(): Promise<void> {
  if (!document.getElementById("film")) return;
  try {
    film = await api.film();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // the page says so where everything else does; it is asked again when the studio is there
    if (!picture) document.getElementById("film")?.replaceChildren(h("p", { class: "hint" }, `${error.message}.`));
    return;
  }
  if (!document.getElementById("film")) return;
  const clips = convertible();
  const known = clips.find(({ id }) => id === clip) ?? clips.at(-1);
  if (!known) {
    picture = null;
    byId("film").replaceChildren(h("p", { class: "hint" }, whyNot(film)));
    return;
  }
  clip = known.id;
  const names = identitiesFor(known);
  if (!names.includes(identity)) identity = names[0] ?? "";
  frame = Math.max(0, Math.min(known.frames - 1, frame));
  if (!picture) build(film);
  fillChoices();
  measured.clear();
  showAll(true);
  await readMasks();
}

function whyNot({ iteration, clips }: Film): string {
  if (iteration === null) return "This project has no trained model yet: train it on the page Training.";
  if (!clips.some(({ done }) => done)) return "No faces are found yet: find them on the page People.";
  return "A film needs footage of somebody and the face of somebody else whom the model can draw.";
}

async function readMasks(): Promise<void> {
  const revision = film?.revision ?? 0;
  if (masks?.clip === clip && masks.revision === revision) return;
  const wanted = clip;
  const found = await api.masks(wanted).catch((error: unknown) => {
    if (!(error instanceof Refused)) throw error;
    return null;
  });
  if (!found || wanted !== clip) return;
  masks = { clip, revision, masks: found };
  showStrip();
}

function build(data: Film): void {
  const choose = (id: string, title: string, choice: (value: string) => void) => {
    const list = h("select", { id, change: () => choice(list.value) });
    return h("label", { class: "inline" }, title, list);
  };
  const toView = ([name, title]: [View, string]) =>
    h("button", { class: "quiet view", "data-view": name, title: `${title} (V)`, click: () => see(name) }, title);
  const canvas = h("canvas", { id: "picture", tabindex: 0, role: "img" });
  const strip = h("canvas", { id: "strip", role: "img", "aria-label": "The mask along the shot, and all shots of the clip" });
  strip.style.height = `${STRIP_PX}px`;
  const split = h("input", { type: "range", id: "split", min: 0, max: 1000, step: 1, "aria-label": "Split between footage and result" });
  const matteBox = h("input", { type: "checkbox", id: "matte", change: () => (matte = matteBox.checked) });
  matteBox.checked = matte;
  byId("film").replaceChildren(
    h(
      "div",
      { class: "line choices" },
      choose("film-identity", "Face of", (name) => {
        identity = name;
        measured.clear();
        showAll();
      }),
      choose("film-clip", "onto", (id) => {
        clip = Number(id);
        frame = 0;
        tried = null;
        measured.clear();
        fillChoices();
        showAll();
        void readMasks();
      }),
      h("div", { class: "views", role: "group", "aria-label": "View" }, ...VIEWS.map(toView)),
      h("button", { class: "quiet view", id: "zoom", title: "Look closely (Z)", click: () => look(!close) }, "Zoom"),
      h("div", { class: "spring" }),
      h("label", { class: "tick" }, matteBox, "Matte too"),
      h("button", { class: "main", id: "convert", click: () => void startOrStop() }, "Start conversion"),
    ),
    h(
      "div",
      { class: "screen" },
      h("div", { class: "picture" }, canvas, split),
      h("p", { class: "dim told", id: "told", role: "status" }, "Loading the model…"),
      strip,
    ),
    makePanel(
      data,
      (part) => attempt(part),
      (part) => void save(part, false),
      h("button", { id: "reset", title: "Defaults for this shot (R)", click: () => void reset() }, "Reset shot"),
      h("button", { id: "to-all", click: () => void save({}, true) }, "Apply to all shots"),
    ),
  );
  picture = new SplitView(canvas, told);
  split.value = String(1000 * picture.split);
  split.addEventListener("input", () => {
    if (picture) picture.split = Number(split.value) / 1000;
    picture?.draw();
  });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    splitAt(event.offsetX);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons > 0 && splitAt(event.offsetX));
  const scrub = (event: PointerEvent) => {
    const shown = stripOf();
    if (shown) show(frameUnder(shown, event.offsetX, event.offsetY, strip.clientWidth));
  };
  strip.addEventListener("pointerdown", (event) => {
    strip.setPointerCapture(event.pointerId);
    scrub(event);
  });
  strip.addEventListener("pointermove", (event) => event.buttons > 0 && scrub(event));
  new ResizeObserver(showStrip).observe(strip);
  canvas.focus({ preventScroll: true });
  showFilmJob();
}

function splitAt(x: number): void {
  if (!picture) return;
  picture.splitAt(x);
  byId<HTMLInputElement>("split").value = String(Math.round(1000 * picture.split));
}

function fillChoices(): void {
  const fill = (id: string, options: [string, string][], now: string) => {
    const list = byId<HTMLSelectElement>(id);
    list.replaceChildren(...options.map(([value, title]) => h("option", { value }, title)));
    list.value = now;
  };
  const of = footage();
  if (!of) return;
  const names = identitiesFor(of);
  if (!names.includes(identity)) identity = names[0] ?? "";
  fill("film-identity", names.map((name) => [name, name]), identity);
  fill("film-clip", convertible().map(({ id, name, person }) => [String(id), `${name} (${person})`]), String(clip));
}

/** The shot that is looked at, with its tracks and what was chosen for them. */
function shot() {
  const of = footage();
  if (!of) return null;
  const place = shotAt(of, frame);
  const tracks = tracksIn(of, place.from, place.to);
  const here = tracks.find(({ first, last }) => first <= frame && frame <= last) ?? tracks[0];
  return { ...place, of, tracks, settings: here?.settings ?? null };
}

function showAll(anew = false): void {
  const now = shot();
  if (!now || !film || !picture) return;
  history.replaceState(null, "", `#film/${clip}/${encodeURIComponent(identity)}/${frame}`);
  for (const button of document.querySelectorAll<HTMLElement>("button[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  byId("zoom").setAttribute("aria-pressed", String(close));
  const { number, from, to, of, tracks, settings } = now;
  const shots = shotsOf(of).length;
  const names = `frames ${from} to ${to - 1}`;
  const state = tracks.length === 0 ? "nobody to replace" : settings && isDefault(film, settings) ? "as by default" : "changed";
  const name = of.shots === null ? "The clip" : `Shot ${number + 1} of ${shots}`;
  const unknown = of.shots === null ? " · its cuts are not known: “Find faces in all clips” looks for them" : "";
  fillPanel(film, tried ?? settings, name, `${names} · ${state}${unknown}`);
  byId<HTMLButtonElement>("reset").disabled = settings === null || isDefault(film, settings);
  byId<HTMLButtonElement>("to-all").disabled = settings === null || shots < 2;
  picture.look({ clip, frame, view, close, identity, settings: tried }, anew);
  picture.canvas.setAttribute("aria-label", `Frame ${frame} of ${of.name}: footage on the left, ${view} on the right`);
  showStrip();
}

function told(seen: Seen | null, why: string): void {
  const of = footage();
  const place = document.getElementById("told");
  if (!of || !place) return;
  place.classList.toggle("bad", !seen);
  if (!seen) {
    place.textContent = `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
    return;
  }
  const parts = [`Frame ${thousands(seen.frame)} of ${thousands(of.frames)}`];
  if (seen.mask !== null) {
    measured.set(seen.frame, seen.mask);
    parts.push(`mask ${(100 * seen.mask).toFixed(2)} % of the picture`);
    parts.push(seen.steady ? "as in the film" : "first look, without its neighbours in time");
    if (seen.labelled) parts.push("no consent on record: the film says so in its corner");
    showStrip();
  }
  place.textContent = parts.join(" · ");
}

function stripOf(): Strip | null {
  const now = shot();
  if (!now || !film) return null;
  return { film, clip: now.of, masks: masks?.clip === clip ? masks.masks : null, shot: [now.from, now.to], frame, measured };
}

function showStrip(): void {
  const canvas = document.getElementById("strip") as HTMLCanvasElement | null;
  const strip = stripOf();
  if (canvas && strip) drawStrip(canvas, strip);
}

/** Goes to a frame. */
function show(to: number): void {
  const of = footage();
  if (!of) return;
  const next = Math.max(0, Math.min(of.frames - 1, to));
  if (next === frame) return;
  const before = shotAt(of, frame).number;
  frame = next;
  tried = null;
  if (shotAt(of, frame).number !== before) announce(`Shot ${shotAt(of, frame).number + 1}`);
  showAll();
}

function see(next: View): void {
  view = next;
  showAll();
}

function look(closely: boolean): void {
  close = closely;
  showAll();
}

function attempt(part: Partial<Settings>): void {
  const settings = shot()?.settings;
  if (!settings) return;
  tried = { ...settings, ...tried, ...part };
  showAll();
}

/** Saves what was chosen for the shot, or for all of them. */
async function save(part: Partial<Settings>, everywhere: boolean): Promise<void> {
  const now = shot();
  if (!now?.settings) return;
  const settings = { ...now.settings, ...tried, ...part };
  await send(everywhere ? now.of.tracks : now.tracks, settings, everywhere ? "All shots are put on like this one" : "Saved");
  if (document.activeElement?.matches("input[type=range]:not(:focus-visible)")) picture?.canvas.focus();
}

async function reset(): Promise<void> {
  const now = shot();
  if (now?.settings && film) await send(now.tracks, film.defaults, "As by default");
}

async function send(tracks: Footage["tracks"], settings: Settings, said: string): Promise<void> {
  const about = tracks.map(({ track }): [number, number] => [clip, track]);
  try {
    know((await api.decide({ kind: "adjust", tracks: about, settings })).revision);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(`Not saved: ${error.message}`, true);
    tried = null;
    showAll();
    return;
  }
  for (const track of tracks) track.settings = { ...settings };
  tried = null;
  measured.clear();
  toast(`${said} · U takes it back`);
  showAll();
}

async function startOrStop(): Promise<void> {
  if (state.job?.running) await stop();
  else await convert(clip, identity, matte);
}

/** Does what a key means here. `false` when it means nothing. */
export function filmKey(event: KeyboardEvent): boolean {
  const now = shot();
  if (!now || !picture) return false;
  const { of, number, from, to } = now;
  const shots = shotsOf(of);
  switch (event.key) {
    case "ArrowLeft":
      show(!event.shiftKey ? frame - 1 : frame > from ? from : (shots[number - 1] ?? 0));
      return true;
    case "ArrowRight":
      show(event.shiftKey ? (shots[number + 1] ?? of.frames - 1) : frame + 1);
      return true;
    case "PageUp":
      show(frame - 25);
      return true;
    case "PageDown":
      show(frame + 25);
      return true;
    case "Home":
      show(from);
      return true;
    case "End":
      show(to - 1);
      return true;
    case " ":
      picture.flipped = !picture.flipped;
      picture.draw();
      announce(picture.flipped ? "Footage" : "Result");
      return true;
    case "[":
    case "]":
      picture.split = Math.max(0, Math.min(1, picture.split + (event.key === "[" ? -0.05 : 0.05)));
      byId<HTMLInputElement>("split").value = String(Math.round(1000 * picture.split));
      picture.draw();
      return true;
  }
  switch (event.key.toLowerCase()) {
    case "v":
      see(VIEWS[(VIEWS.findIndex(([name]) => name === view) + 1) % VIEWS.length]?.[0] ?? "result");
      return true;
    case "z":
      look(!close);
      return true;
    case "s":
      if (now.settings) void save({ skip: !now.settings.skip }, false);
      return true;
    case "r":
      void reset();
      return true;
  }
  return false;
}
