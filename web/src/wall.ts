// The wall: thousands of faces on one canvas, of which only what is seen is drawn.

import { ACCEPTED, REJECTED, nameOf, state } from "./store.ts";
import { announce, byId, h, thousands } from "./dom.ts";
import { isMissing, onThumbnail, thumbnail, want } from "./thumbnails.ts";

const GAP = 6;
const HEADING = 34;
const MARGIN = 12;
const CAPTION = 18;
const SIZES = [64, 80, 96, 112, 128, 152, 184, 224];

const COLOURS = {
  ground: "#262626",
  empty: "#313131",
  text: "#d2d2d2",
  dim: "#8f8f8f",
  cursor: "#ffffff",
  selected: "#5aa9e6",
  accepted: "#58b368",
  rejected: "#e0605a",
  warning: "#e3b341",
};

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
let spacer: HTMLElement;
let rows: Row[] = [];
let columns = 1;
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
  return scroller;
}

/** Where everything goes; call when the order or the size has changed. */
export function layOut(): void {
  const width = scroller.clientWidth - 2 * MARGIN;
  if (width <= 0) return;
  columns = Math.max(1, Math.floor((width + GAP) / (size + GAP)));
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
  context.fillStyle = COLOURS.ground;
  context.fillRect(0, 0, width, height);

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
    if (isSeen) paintRow(context, row, row.top - top, width);
  }
  want([...visible, ...soon]);
}

function paintRow(context: CanvasRenderingContext2D, row: Row, y: number, width: number): void {
  if (row.title !== undefined) {
    context.font = "600 13px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.fillStyle = COLOURS.text;
    context.fillText(row.title, MARGIN, y + HEADING / 2);
    const after = MARGIN + context.measureText(row.title).width + 8;
    context.font = "13px system-ui, sans-serif";
    context.fillStyle = COLOURS.dim;
    context.fillText(thousands(row.count ?? 0), after, y + HEADING / 2);
    context.fillStyle = "#383838";
    const line = after + context.measureText(thousands(row.count ?? 0)).width + 12;
    context.fillRect(line, y + HEADING / 2, Math.max(0, width - line - MARGIN), 1);
    return;
  }
  for (let n = row.from; n < row.to; n++) {
    paintFace(context, n, MARGIN + (n - row.from) * (size + GAP), y);
  }
}

function paintFace(context: CanvasRenderingContext2D, place: number, x: number, y: number): void {
  const { faces } = state;
  const at = state.order[place];
  if (!faces || at === undefined) return;
  const id = faces.id[at] ?? -1;
  const verdict = faces.verdict[at];
  const picture = thumbnail(id);
  if (picture) {
    context.globalAlpha = verdict === REJECTED ? 0.28 : 1;
    context.drawImage(picture, x, y, size, size);
    context.globalAlpha = 1;
  } else {
    context.fillStyle = COLOURS.empty;
    context.fillRect(x, y, size, size);
    if (isMissing(id)) label(context, "no picture", x, y + size / 2 - CAPTION / 2, COLOURS.dim);
  }
  const why = faces.why[at]?.[0];
  if (why !== undefined && verdict !== REJECTED) {
    label(context, faces.reasons[why] ?? "", x, y + size - CAPTION, COLOURS.warning);
  }
  if (verdict === ACCEPTED || verdict === REJECTED) badge(context, x + size - 13, y + 13, verdict);
  if (state.selected.has(id)) {
    context.strokeStyle = COLOURS.selected;
    context.lineWidth = 3;
    context.strokeRect(x + 1.5, y + 1.5, size - 3, size - 3);
  }
  if (place === state.cursor) {
    context.strokeStyle = "#000000";
    context.lineWidth = 1;
    context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
    context.strokeStyle = COLOURS.cursor;
    context.lineWidth = 2;
    context.strokeRect(x - 2, y - 2, size + 4, size + 4);
  }
}

/** A strip of text over a picture. */
function label(context: CanvasRenderingContext2D, text: string, x: number, y: number, colour: string): void {
  context.fillStyle = "rgba(20, 20, 20, 0.78)";
  context.fillRect(x, y, size, CAPTION);
  context.fillStyle = colour;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillText(text, x + 5, y + CAPTION / 2 + 0.5, size - 10);
}

/** A tick or a cross: told by shape, not by colour alone. */
function badge(context: CanvasRenderingContext2D, x: number, y: number, verdict: number): void {
  context.fillStyle = verdict === ACCEPTED ? COLOURS.accepted : COLOURS.rejected;
  context.beginPath();
  context.arc(x, y, 9, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = "#ffffff";
  context.lineWidth = 2;
  context.beginPath();
  if (verdict === ACCEPTED) {
    context.moveTo(x - 4, y);
    context.lineTo(x - 1, y + 3.5);
    context.lineTo(x + 4.5, y - 3.5);
  } else {
    context.moveTo(x - 3.5, y - 3.5);
    context.lineTo(x + 3.5, y + 3.5);
    context.moveTo(x + 3.5, y - 3.5);
    context.lineTo(x - 3.5, y + 3.5);
  }
  context.stroke();
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
  const place = Math.max(0, Math.min(SIZES.length - 1, SIZES.indexOf(size) + by));
  size = SIZES[place] ?? size;
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
