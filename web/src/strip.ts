// The strip below the picture: the mask's history along the shot, and all shots of the clip.

import { isDefault } from "./adjust.ts";
import type { Film, Footage, Masks } from "./api.ts";
import { GROUND } from "./paint.ts";

const SHOT_PX = 58;
const GAP_PX = 8;
const CLIP_PX = 26;
export const STRIP_PX = SHOT_PX + GAP_PX + CLIP_PX;

export interface Strip {
  film: Film;
  clip: Footage;
  masks: Masks | null;
  /** First frame of the shot and the one after its last. */
  shot: [number, number];
  frame: number;
  /** Shares of the frame under the mask that were measured on drawn frames. */
  measured: Map<number, number>;
}

/** First frames of the shots; one shot where cuts are not known. */
export const shotsOf = (clip: Footage): number[] => clip.shots ?? [0];

/** The shot that a frame is in: its number, first frame, and the frame after its last. */
export function shotAt(clip: Footage, frame: number): { number: number; from: number; to: number } {
  const shots = shotsOf(clip);
  const after = shots.findIndex((first) => first > frame);
  const number = (after < 0 ? shots.length : after) - 1;
  return { number, from: shots[number] ?? 0, to: shots[number + 1] ?? clip.frames };
}

/** The clip's tracks in a shot: no track goes over a cut. */
export const tracksIn = (clip: Footage, from: number, to: number): Footage["tracks"] =>
  clip.tracks.filter(({ first }) => first >= from && first < to);

/** The frame under a place of the strip, in pixels of the page. */
export function frameUnder(strip: Strip, x: number, y: number, width: number): number {
  const [from, to] = y < SHOT_PX + GAP_PX / 2 ? strip.shot : [0, strip.clip.frames];
  const frame = from + Math.floor((Math.max(0, Math.min(width - 1, x)) / width) * (to - from));
  return Math.max(from, Math.min(to - 1, frame));
}

export function drawStrip(canvas: HTMLCanvasElement, strip: Strip): void {
  const density = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(STRIP_PX * density);
  const context = canvas.getContext("2d", { alpha: false });
  if (!context || width === 0) return;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.fillStyle = GROUND;
  context.fillRect(0, 0, width, STRIP_PX);
  const { film, clip, shot, frame, measured, masks } = strip;
  const most = (masks?.share ?? []).reduce((most, share) => Math.max(most, share), 1e-6);
  row(context, strip, shot, 0, SHOT_PX, width, most);
  row(context, strip, [0, clip.frames], SHOT_PX + GAP_PX, CLIP_PX, width, most);

  const [from, to] = shot;
  const across = (at: number) => (width * (at - from)) / (to - from);
  context.fillStyle = "#5aa9e6";
  for (const [at, share] of measured) {
    if (at < from || at >= to) continue;
    context.fillRect(across(at + 0.5) - 1.5, SHOT_PX - 3 - (SHOT_PX - 8) * (share / most), 3, 3);
  }
  // all cuts, the shots that were changed, and this one
  const top = SHOT_PX + GAP_PX;
  context.fillStyle = "#e3b341";
  for (const { first, last, settings } of clip.tracks) {
    if (isDefault(film, settings)) continue;
    const left = (width * first) / clip.frames;
    context.fillRect(left, top + CLIP_PX - 3, Math.max(2, (width * (last + 1 - first)) / clip.frames), 3);
  }
  context.fillStyle = "#ffffff";
  for (const first of shotsOf(clip).slice(1)) context.fillRect(Math.round((width * first) / clip.frames), top, 1, CLIP_PX);
  context.strokeStyle = "#c9c9c9";
  context.strokeRect((width * from) / clip.frames + 0.5, top + 0.5, (width * (to - from)) / clip.frames - 1, CLIP_PX - 1);
  context.fillStyle = "#ffffff";
  context.fillRect(Math.round(across(frame + 0.5)) - 1, 0, 2, SHOT_PX);
  context.fillRect(Math.round((width * (frame + 0.5)) / clip.frames) - 1, top, 2, CLIP_PX);
}

/** The masks of some frames as bars: dark the whole face, light what of it is covered by the new one. */
function row(
  context: CanvasRenderingContext2D,
  { clip, masks }: Strip,
  [from, to]: [number, number],
  top: number,
  height: number,
  width: number,
  most: number,
): void {
  context.fillStyle = "#1b1b1b";
  context.fillRect(0, top, width, height);
  if (!masks) return;
  const settings = new Map(clip.tracks.map(({ track, settings }) => [track, settings]));
  const columns = Math.max(1, Math.min(to - from, Math.floor(width)));
  const [whole, kept] = [new Float64Array(columns), new Float64Array(columns)];
  let at = firstAt(masks.frame, from);
  for (; at < masks.frame.length; at++) {
    const frame = masks.frame[at] ?? 0;
    if (frame >= to) break;
    const column = Math.floor(((frame - from) * columns) / (to - from));
    const share = masks.share[at] ?? 0;
    const chosen = settings.get(masks.track[at] ?? -1);
    const part = !chosen || chosen.skip ? 0 : chosen.mask_size ** 2;
    whole[column] = Math.max(whole[column] ?? 0, share);
    kept[column] = Math.max(kept[column] ?? 0, share * part);
  }
  const bar = (column: number, share: number) => {
    const tall = (height - 6) * (share / most);
    const [left, right] = [Math.round((column * width) / columns), Math.round(((column + 1) * width) / columns)];
    context.fillRect(left, top + height - tall, right - left, tall);
  };
  for (let column = 0; column < columns; column++) {
    context.fillStyle = "#4a4a4a";
    bar(column, whole[column] ?? 0);
    context.fillStyle = "#9a9a9a";
    bar(column, kept[column] ?? 0);
  }
}

/** The first place whose frame is not before `frame`. */
function firstAt(frames: number[], frame: number): number {
  let [low, high] = [0, frames.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((frames[middle] ?? 0) < frame) low = middle + 1;
    else high = middle;
  }
  return low;
}
