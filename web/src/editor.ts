// Landmarks and box of a face, moved by hand: over the frame it is in, as large as the window allows.

import { api, Refused, type Face } from "./api.ts";
import { h, toast } from "./dom.ts";
import { state } from "./store.ts";

type Place = [number, number];

/** Points to take hold of one by one: eye corners, nose, mouth corners, chin, forehead, temples. */
const HANDLES = [33, 133, 362, 263, 1, 61, 291, 13, 14, 152, 10, 234, 454, 105, 334];
/** How far a point that is moved takes its neighbours along, in parts of the face's width. */
const REACH = 0.18;
const NEAR_PX = 11;
/** Part of the window around the face. */
const AROUND = 1.1;

const KEYS = "Drag a point, or the face · arrows move · [ ] turn · + − size · C copies the frame before, N the one after · S saves";

/** Opens the editor for the face under the cursor; `saved` hears when its landmarks were placed. */
export async function editLandmarks(saved: () => void): Promise<void> {
  const { faces } = state;
  const at = state.order[state.cursor];
  if (!faces || at === undefined) return;
  const face = await api.face(faces.id[at] ?? -1).catch(() => null);
  if (!face) return;
  new Editor(face, at, saved).open();
}

class Editor {
  private points: Place[];
  private readonly picture = h("img", { alt: "" });
  private readonly canvas = h("canvas", { class: "editor", tabindex: 0, "aria-label": `Landmarks. ${KEYS}` });
  private readonly dialog = h("dialog", { class: "wide", "aria-label": "Landmarks" });
  private held: { handle: number | null; x: number; y: number; before: Place[] } | null = null;
  /** Pixels of the footage at the window's corner, and how many times larger they are shown. */
  private view = { left: 0, top: 0, scale: 1 };

  constructor(
    private readonly face: Face,
    private readonly at: number,
    private readonly saved: () => void,
  ) {
    this.points = face.points.map(([x, y]) => [x, y]);
  }

  open(): void {
    const { dialog, canvas, picture } = this;
    const button = (title: string, does: () => void, kind = "") => h("button", { class: kind, click: does }, title);
    dialog.append(
      h(
        "div",
        { class: "line" },
        h("h2", {}, `Landmarks of face ${this.face.id}, frame ${this.face.frame}`),
        button("Copy frame before", () => void this.copy(-1)),
        button("Copy frame after", () => void this.copy(1)),
        button("Save", () => void this.save(), "main"),
        button("Cancel", () => dialog.close()),
      ),
      canvas,
      h("p", { class: "dim" }, KEYS),
    );
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("pointerdown", (event) => this.grab(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    canvas.addEventListener("pointerup", () => (this.held = null));
    document.body.append(dialog);
    dialog.showModal();
    canvas.focus();
    const [left, top, right, bottom] = this.face.bbox;
    const side = Math.max(right - left, bottom - top) * (1 + AROUND);
    const size = Math.min(window.innerHeight - 150, window.innerWidth - 90, 760);
    this.view = { left: (left + right - side) / 2, top: (top + bottom - side) / 2, scale: size / side };
    canvas.style.width = canvas.style.height = `${size}px`;
    picture.onload = () => this.draw();
    picture.src = `/api/faces/${this.face.id}/frame`;
    this.draw();
  }

  private draw(): void {
    const { canvas, picture, view } = this;
    const density = window.devicePixelRatio || 1;
    const size = canvas.clientWidth;
    canvas.width = canvas.height = size * density;
    const context = canvas.getContext("2d");
    if (!context) return;
    const scale = view.scale * density;
    context.fillStyle = "#262626";
    context.fillRect(0, 0, canvas.width, canvas.height);
    const [x, y] = [-view.left * scale, -view.top * scale];
    if (picture.complete && picture.naturalWidth > 0) {
      context.drawImage(picture, x, y, this.face.width_px * scale, this.face.height_px * scale);
    }
    const [left, top, right, bottom] = boxOf(this.points);
    context.strokeStyle = "rgba(255, 255, 255, 0.8)";
    context.lineWidth = density;
    context.strokeRect((left - view.left) * scale, (top - view.top) * scale, (right - left) * scale, (bottom - top) * scale);
    context.fillStyle = "rgba(120, 220, 255, 0.8)";
    for (const point of this.points) {
      context.fillRect((point[0] - view.left) * scale - density, (point[1] - view.top) * scale - density, 2 * density, 2 * density);
    }
    context.strokeStyle = "#ffffff";
    context.lineWidth = 1.5 * density;
    for (const handle of HANDLES) {
      const [hx, hy] = this.points[handle] ?? [0, 0];
      context.beginPath();
      context.arc((hx - view.left) * scale, (hy - view.top) * scale, 4.5 * density, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  /** Where the pointer is, in pixels of the footage. */
  private place(event: PointerEvent): Place {
    const box = this.canvas.getBoundingClientRect();
    const { left, top, scale } = this.view;
    return [left + (event.clientX - box.left) / scale, top + (event.clientY - box.top) / scale];
  }

  private grab(event: PointerEvent): void {
    const [x, y] = this.place(event);
    const away = (handle: number) => {
      const [hx, hy] = this.points[handle] ?? [Infinity, Infinity];
      return Math.hypot(hx - x, hy - y) * this.view.scale;
    };
    const nearest = HANDLES.reduce((best, next) => (away(next) < away(best) ? next : best));
    const handle = away(nearest) <= NEAR_PX ? nearest : null;
    this.held = { handle, x, y, before: this.points.map(([px, py]) => [px, py]) };
    this.canvas.setPointerCapture(event.pointerId);
  }

  private drag(event: PointerEvent): void {
    const { held } = this;
    if (!held) return;
    const [x, y] = this.place(event);
    const [dx, dy] = [x - held.x, y - held.y];
    const from = held.handle === null ? null : held.before[held.handle];
    const [left, , right] = boxOf(held.before);
    const reach = REACH * (right - left);
    this.points = held.before.map(([px, py]) => {
      const part = from ? Math.exp(-((Math.hypot(px - from[0], py - from[1]) / reach) ** 2)) : 1;
      return [px + part * dx, py + part * dy];
    });
    this.draw();
  }

  /** Moves all points: turned about their middle, scaled, shifted. */
  private move(turn: number, scale: number, dx: number, dy: number): void {
    const [left, top, right, bottom] = boxOf(this.points);
    const [mx, my] = [(left + right) / 2, (top + bottom) / 2];
    const [sin, cos] = [Math.sin(turn) * scale, Math.cos(turn) * scale];
    this.points = this.points.map(([x, y]) => [
      mx + cos * (x - mx) - sin * (y - my) + dx,
      my + sin * (x - mx) + cos * (y - my) + dy,
    ]);
    this.draw();
  }

  private key(event: KeyboardEvent): void {
    const step = (event.shiftKey ? 10 : 1) / this.view.scale;
    const does: Record<string, () => void> = {
      ArrowLeft: () => this.move(0, 1, -step, 0),
      ArrowRight: () => this.move(0, 1, step, 0),
      ArrowUp: () => this.move(0, 1, 0, -step),
      ArrowDown: () => this.move(0, 1, 0, step),
      "[": () => this.move(-0.01, 1, 0, 0),
      "]": () => this.move(0.01, 1, 0, 0),
      "+": () => this.move(0, 1.01, 0, 0),
      "=": () => this.move(0, 1.01, 0, 0),
      "-": () => this.move(0, 1 / 1.01, 0, 0),
      c: () => void this.copy(-1),
      n: () => void this.copy(1),
      s: () => void this.save(),
    };
    const action = does[event.key] ?? does[event.key.toLowerCase()];
    if (!action || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  /** Takes the landmarks of the face before or after in the same track. */
  private async copy(by: 1 | -1): Promise<void> {
    const { faces } = state;
    const neighbour = this.at + by;
    const isSame = faces && faces.clip[neighbour] === faces.clip[this.at] && faces.track[neighbour] === faces.track[this.at];
    if (!faces || !isSame) {
      toast(`This track has no face ${by < 0 ? "before" : "after"} it`);
      return;
    }
    const other = await api.face(faces.id[neighbour] ?? -1).catch(() => null);
    if (!other) return;
    this.points = other.points.map(([x, y]) => [x, y]);
    this.draw();
  }

  private async save(): Promise<void> {
    try {
      await api.place(this.face.id, this.points);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      toast(`Not saved: ${error.message}`, true);
      return;
    }
    this.dialog.close();
    toast("Landmarks placed, crop cut anew · U takes it back");
    this.saved();
  }
}

function boxOf(points: Place[]): [number, number, number, number] {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
