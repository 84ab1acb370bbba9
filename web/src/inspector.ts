// One face, looked at closely: the crop, the frame it is in, what is measured.

import { api, type Face } from "./api.ts";
import { h } from "./dom.ts";
import { nameOf, state } from "./store.ts";

/** How long a face must be looked at before its frame is fetched: decoding takes a while. */
const REST_MS = 140;

const SHOWN: [string, string, (value: number) => string][] = [
  ["likeness", "Likeness", (v) => v.toFixed(2)],
  ["confidence", "Confidence", (v) => v.toFixed(2)],
  ["sharpness", "Sharpness", (v) => v.toFixed(4)],
  ["size_px", "Height", (v) => `${v.toFixed(0)} px`],
  ["yaw_deg", "Turned", (v) => `${Math.abs(v).toFixed(0)}° ${v < 0 ? "left" : "right"}`],
  ["pitch_deg", "Nodded", (v) => `${Math.abs(v).toFixed(0)}° ${v < 0 ? "down" : "up"}`],
  ["roll_deg", "Tilted", (v) => `${v.toFixed(0)}°`],
  ["jump", "Landmark jump", (v) => v.toFixed(3)],
  ["mouth", "Mouth open", (v) => v.toFixed(2)],
  ["eyes", "Eyes open", (v) => v.toFixed(2)],
  ["smile", "Smile", (v) => v.toFixed(1)],
  ["brows_up", "Brows up", (v) => v.toFixed(1)],
  ["covered", "Covered", (v) => `${(100 * v).toFixed(0)} %`],
  ["light", "Light", (v) => v.toFixed(2)],
  ["light_side", "Lit from", (v) => (Math.abs(v) < 0.05 ? "both sides" : v < 0 ? "left" : "right")],
];

let panel: HTMLElement;
let resting = 0;
let shown = -1;
/** Part of the address of the crop, so that one cut anew is asked for. */
let version = 0;

/** What can be done with the face, for people with a mouse. */
export type Action = "accept" | "reject" | "assign" | "edit";
const ACTIONS: [Action, string, string][] = [
  ["accept", "Accept", "A"],
  ["reject", "Reject", "X"],
  ["assign", "Whose", "P"],
  ["edit", "Edit", "E"],
];

let act: (action: Action) => void = () => {};

export function makeInspector(hear: (action: Action) => void): HTMLElement {
  act = hear;
  panel = h("aside", { class: "inspector", "aria-label": "The face looked at" });
  return panel;
}

/** Forgets which face is shown: its pictures have changed. */
export function lookAgain(): void {
  shown = -1;
  version += 1;
}

/** Shows the face under the cursor. */
export function inspect(): void {
  const { faces } = state;
  const at = state.order[state.cursor];
  if (!faces || at === undefined) {
    clearTimeout(resting);
    shown = -1;
    panel.replaceChildren(h("p", { class: "hint" }, "No face is like that. Choose other filters."));
    return;
  }
  const id = faces.id[at] ?? -1;
  const isNew = id !== shown;
  shown = id;
  const verdict = ["Open", "Accepted", "Rejected"][faces.verdict[at] ?? 0] ?? "";
  const why = (faces.why[at] ?? []).map((reason) => h("li", {}, faces.reasons[reason] ?? ""));
  const measures = SHOWN.flatMap(([name, title, write]) => {
    const value = faces.measures[name]?.[at];
    return value === null || value === undefined ? [] : [h("dt", {}, title), h("dd", {}, write(value))];
  });
  const context = isNew ? h("div", { class: "context" }) : panel.querySelector<HTMLElement>(".context");
  panel.replaceChildren(
    h("img", { class: "crop", src: `/api/faces/${id}/crop?${version}`, alt: "", width: 272, height: 272 }),
    h(
      "div",
      { class: "line" },
      h("strong", {}, nameOf(faces, at)),
      h("span", { class: `verdict verdict-${faces.verdict[at]}` }, verdict),
    ),
    h(
      "div",
      { class: "actions" },
      ...ACTIONS.map(([action, title, key]) =>
        h("button", { class: "quiet", "data-action": action, title: `${title} (${key})`, click: () => act(action) }, title),
      ),
    ),
    why.length > 0 ? h("ul", { class: "why" }, ...why) : "",
    h("p", { class: "dim" }, `Face ${id} · clip ${faces.clip[at]} · track ${faces.track[at]} · frame ${faces.frame[at]}`),
    context ?? "",
    h("dl", { class: "measures" }, ...measures),
  );
  if (isNew && context) {
    clearTimeout(resting);
    resting = window.setTimeout(() => void showContext(id, context), REST_MS);
  }
}

async function showContext(id: number, place: HTMLElement): Promise<void> {
  const face = await api.face(id).catch(() => null);
  if (!face || id !== shown) return;
  const picture = h("img", { alt: `Frame ${face.frame} of ${face.clip}` });
  const lines = h("canvas", { "aria-hidden": "true" });
  picture.onload = () => {
    if (id !== shown) return;
    place.replaceChildren(picture, lines);
    drawLines(lines, face, picture);
  };
  picture.onerror = () => place.replaceChildren(h("p", { class: "dim" }, "The footage cannot be read."));
  picture.src = `/api/faces/${id}/frame`;
}

/** Box and landmarks over the frame. */
function drawLines(canvas: HTMLCanvasElement, face: Face, over: HTMLImageElement): void {
  const density = window.devicePixelRatio || 1;
  const [width, height] = [over.clientWidth, over.clientHeight];
  canvas.width = width * density;
  canvas.height = height * density;
  const context = canvas.getContext("2d");
  if (!context) return;
  const scale = (width * density) / face.width_px;
  const [left, top, right, bottom] = face.bbox.map((v) => v * scale) as Face["bbox"];
  context.strokeStyle = "rgba(255, 255, 255, 0.9)";
  context.lineWidth = density;
  context.strokeRect(left, top, right - left, bottom - top);
  context.fillStyle = "rgba(120, 220, 255, 0.85)";
  for (const [x, y] of face.points) context.fillRect(x * scale - 0.5, y * scale - 0.5, density, density);
}
