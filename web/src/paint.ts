// How a face of the wall looks.

import { thousands } from "./dom.ts";
import { ACCEPTED, REJECTED, state } from "./store.ts";
import { isMissing, thumbnail } from "./thumbnails.ts";

export const GROUND = "#262626";
const CAPTION = 18;

const COLOURS = {
  empty: "#313131",
  line: "#383838",
  text: "#d2d2d2",
  dim: "#8f8f8f",
  cursor: "#ffffff",
  selected: "#5aa9e6",
  accepted: "#58b368",
  rejected: "#e0605a",
  warning: "#e3b341",
};

/** The heading of a group, with its number and a line up to `end`. */
export function paintHeading(
  context: CanvasRenderingContext2D,
  title: string,
  count: number,
  x: number,
  y: number,
  end: number,
): void {
  context.font = "600 13px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = COLOURS.text;
  context.fillText(title, x, y);
  const after = x + context.measureText(title).width + 8;
  context.font = "13px system-ui, sans-serif";
  context.fillStyle = COLOURS.dim;
  context.fillText(thousands(count), after, y);
  const line = after + context.measureText(thousands(count)).width + 12;
  context.fillStyle = COLOURS.line;
  context.fillRect(line, y, Math.max(0, end - line), 1);
}

/** The face at a place of the order: its picture, what seems wrong, what was decided. */
export function paintFace(
  context: CanvasRenderingContext2D,
  place: number,
  x: number,
  y: number,
  size: number,
): void {
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
    if (isMissing(id)) label(context, "no picture", x, y + size / 2 - CAPTION / 2, size, COLOURS.dim);
  }
  const why = faces.why[at] ?? [];
  if (why.length > 0 && verdict !== REJECTED) {
    const reasons = why.map((reason) => faces.reasons[reason]).join(", ");
    label(context, reasons, x, y + size - CAPTION, size, COLOURS.warning);
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
function label(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  width: number,
  colour: string,
): void {
  context.fillStyle = "rgba(20, 20, 20, 0.78)";
  context.fillRect(x, y, width, CAPTION);
  context.fillStyle = colour;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.save();
  context.beginPath();
  context.rect(x, y, width, CAPTION);
  context.clip();
  context.fillText(text, x + 5, y + CAPTION / 2 + 0.5);
  context.restore();
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
