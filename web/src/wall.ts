// The wall: thousands of faces on one canvas, of which only what is seen is drawn.

import { announce, byId, h, thousands } from "./dom.ts";
import { GROUND, paintFace, paintHeading } from "./paint.ts";
import { nameOf, state } from "./store.ts";
import { onThumbnail, want } from "./thumbnails.ts";

const GAP = 6;
const HEADING = 34;
const MARGIN = 12;
const SIZES = [64, 80, 96, 112, 128, 152, 184, 224];

/** A heading or a row of faces. */
interface Row {
  top: number;
  title?: string;
  count?: number;
  /** Places in `state.order`: from, to. */
  from: number;
  to: number;
}

let scroller: HTMLElement;
let canvas: HTMLCanvasElement;
let selection: HTMLElement;
let spacer: HTMLElement;
let rows: Row[] = [];
let columns = 1;
/** What people chose, and what fills the width. */
let wanted = 112;
let size = 112;
let drawing = 0;
let moved: () => void = () => {};

/** The wall, to be put into the page once. `cursorMoved` hears when another face is looked at. */
export function makeWall(cursorMoved: () => void, opened: () => void): HTMLElement {
  moved = cursorMoved;
  canvas = h("canvas", { "aria-hidden": "true" });
  spacer = h("div", { class: "spacer" }, canvas);
  scroller = h(
    "div",
    {
      class: "wall",
      id: "wall",
      tabindex: 0,
      role: "application",
      "aria-label": "Wall of faces. Arrows move, A accepts, X rejects, G takes the group, question mark shows all keys.",
    },
    spacer,
  );
  scroller.addEventListener("scroll", draw, { passive: true });
  canvas.addEventListener("pointerdown", (event) => point(event));
  canvas.addEventListener("dblclick", opened);
  new ResizeObserver(() => layOut()).observe(scroller);
  onThumbnail(draw);
  selection = h("p", { class: "selection", role: "status" });
  return h("div", { class: "middle" }, scroller, selection);
}

/** Where everything goes; call when the order or the size has changed. */
export function layOut(): void {
  const width = scroller.clientWidth - 2 * MARGIN;
  if (width <= 0) return;
  columns = Math.max(1, Math.floor((width + GAP) / (wanted + GAP)));
  size = Math.floor((width + GAP) / columns) - GAP;
  rows = [];
  let [top, first] = [6, 0];
  for (const { title, faces } of state.groups) {
    rows.push({ top, title, count: faces.length, from: first, to: first });
    top += HEADING;
    for (let from = 0; from < faces.length; from += columns) {
      const to = Math.min(from + columns, faces.length);
      rows.push({ top, from: first + from, to: first + to });
      top += size + GAP;
    }
    first += faces.length;
  }
  spacer.style.height = `${top + 6}px`;
  draw();
}

/** Draws before the next picture of the screen, once however often it is asked. */
export function draw(): void {
  if (drawing === 0) drawing = requestAnimationFrame(paint);
}

function paint(): void {
  drawing = 0;
  const { faces } = state;
  const [width, height] = [scroller.clientWidth, scroller.clientHeight];
  if (!faces || width === 0) return;
  const density = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) return;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.fillStyle = GROUND;
  context.fillRect(0, 0, width, height);

  const chosen = state.selected.size;
  const told = chosen > 0 ? `${thousands(chosen)} selected · A accept · X reject · P whose · Esc none` : "";
  if (selection.textContent !== told) selection.textContent = told;

  const top = scroller.scrollTop;
  const [visible, soon]: [number[], number[]] = [[], []];
  for (let at = firstRow(top - height); at < rows.length; at++) {
    const row = rows[at];
    if (!row || row.top > top + 2 * height) break;
    const isSeen = row.top + size > top && row.top < top + height;
    for (let n = row.from; n < row.to; n++) {
      const id = faces.id[state.order[n] ?? -1];
      if (id !== undefined) (isSeen ? visible : soon).push(id);
    }
    if (!isSeen) continue;
    const y = row.top - top;
    if (row.title !== undefined) {
      paintHeading(context, row.title, row.count ?? 0, MARGIN, y + HEADING / 2, width - MARGIN);
    }
    for (let n = row.from; n < row.to; n++) {
      paintFace(context, n, MARGIN + (n - row.from) * (size + GAP), y, size);
    }
  }
  want([...visible, ...soon]);
}

/** The first row that ends below `y`. */
function firstRow(y: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.top ?? 0) + size < y) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rowOf(place: number): Row | undefined {
  let [low, high] = [0, rows.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (!row) return undefined;
    if (place < row.from) high = middle - 1;
    else if (place >= row.to) low = middle + 1;
    else return row;
  }
  return undefined;
}

function point(event: PointerEvent): void {
  const box = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left - MARGIN, event.clientY - box.top + scroller.scrollTop];
  const row = rows[firstRow(y - 1)];
  const column = Math.floor(x / (size + GAP));
  if (!row || row.title !== undefined || column < 0 || row.from + column >= row.to) return;
  if (y < row.top || x - column * (size + GAP) > size) return;
  scroller.focus({ preventScroll: true });
  const place = row.from + column;
  if (event.shiftKey) moveTo(place, true);
  else {
    if (event.ctrlKey || event.metaKey) toggle(place);
    else state.selected.clear();
    moveTo(place, false);
  }
}

/** Selects the face there, or no longer. */
export function toggle(place: number): void {
  const id = state.faces?.id[state.order[place] ?? -1];
  if (id === undefined) return;
  if (!state.selected.delete(id)) state.selected.add(id);
  draw();
}

/** Puts the cursor onto a place of the order; with `extend`, all between here and the anchor are selected. */
export function moveTo(place: number, extend: boolean): void {
  const { faces, order } = state;
  if (!faces || order.length === 0) return;
  state.cursor = Math.max(0, Math.min(order.length - 1, place));
  if (extend) {
    state.selected.clear();
    const [from, to] = [Math.min(state.anchor, state.cursor), Math.max(state.anchor, state.cursor)];
    for (const at of order.slice(from, to + 1)) state.selected.add(faces.id[at] ?? -1);
  } else {
    state.anchor = state.cursor;
  }
  reveal();
  draw();
  announce(describe(state.cursor));
  moved();
}

/** Scrolls so that the cursor is seen, with its heading where that is just above. */
export function reveal(): void {
  const row = rowOf(state.cursor);
  if (!row) return;
  const [top, height] = [scroller.scrollTop, scroller.clientHeight];
  const isFirst = state.groups.length > 0 && rows[rows.indexOf(row) - 1]?.title !== undefined;
  const above = row.top - (isFirst ? HEADING : GAP);
  if (above < top) scroller.scrollTop = above;
  else if (row.top + size + GAP > top + height) scroller.scrollTop = row.top + size + GAP - height;
}

/** One row up or down, keeping the column where that row is long enough. */
export function moveRow(by: 1 | -1, extend: boolean): void {
  const here = rowOf(state.cursor);
  if (!here) return;
  const column = state.cursor - here.from;
  for (let at = rows.indexOf(here) + by; at >= 0 && at < rows.length; at += by) {
    const row = rows[at];
    if (row && row.title === undefined) {
      moveTo(Math.min(row.from + column, row.to - 1), extend);
      return;
    }
  }
}

/** How many faces a screen shows, at least a row. */
export const pageOfFaces = (): number =>
  columns * Math.max(1, Math.floor(scroller.clientHeight / (size + GAP)));

export function resize(by: 1 | -1): void {
  const place = Math.max(0, Math.min(SIZES.length - 1, SIZES.indexOf(wanted) + by));
  wanted = SIZES[place] ?? wanted;
  layOut();
  reveal();
}

/** A face in words, for people who hear the page. */
export function describe(place: number): string {
  const { faces } = state;
  const at = state.order[place];
  if (!faces || at === undefined) return "no faces";
  const verdict = ["", ", accepted", ", rejected"][faces.verdict[at] ?? 0] ?? "";
  const why = (faces.why[at] ?? []).map((reason) => faces.reasons[reason]).join(", ");
  return `Face ${faces.id[at]} of ${nameOf(faces, at)}, frame ${faces.frame[at]}${verdict}${why && `, ${why}`}`;
}

export const focusWall = (): void => byId("wall").focus({ preventScroll: true });
