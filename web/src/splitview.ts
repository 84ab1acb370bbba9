// One picture, footage on the left of a line that can be moved and the result on its right.

import { api, Refused, type FrameShown, type FrameWanted, type Settings, type View } from "./api.ts";
import { GROUND } from "./paint.ts";

/** How long a frame must be looked at before its neighbours are drawn: that takes a while. */
const REST_MS = 300;

const GIVEN_UP = 503;

/** What is to be seen. */
export interface Sight {
  clip: number;
  frame: number;
  view: View;
  close: boolean;
  identity: string | null;
  /** While a slider is moved; else what was chosen. */
  settings: Settings | null;
}

export interface Seen {
  frame: number;
  steady: boolean;
  mask: number | null;
  labelled: boolean;
}

/** Asks one after the other; of those that wait only the newest. */
class Lane {
  private waiting: FrameWanted | null = null;
  private asking = false;

  constructor(
    private readonly shown: (wanted: FrameWanted, shown: FrameShown) => void,
    private readonly failed: (wanted: FrameWanted, refused: Refused) => void,
  ) {}

  ask(wanted: FrameWanted | null): void {
    this.waiting = wanted;
    if (!this.asking) void this.run();
  }

  private async run(): Promise<void> {
    this.asking = true;
    while (this.waiting) {
      const wanted = this.waiting;
      this.waiting = null;
      try {
        this.shown(wanted, await api.frame(wanted));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        this.failed(wanted, error);
      }
    }
    this.asking = false;
  }
}

export class SplitView {
  /** Where the line is, 0 to 1 of the picture's width. */
  split = 0.5;
  /** Shows the footage alone for a moment. */
  flipped = false;
  private sight: Sight | null = null;
  private footage: ImageBitmap | null = null;
  private result: ImageBitmap | null = null;
  private resting = 0;
  /** The frame that is drawn with all its neighbours, as a key. */
  private steady = "";
  /** When each picture was asked for. */
  private readonly asked = new WeakMap<FrameWanted, number>();

  private readonly footageLane = new Lane(
    (wanted, { picture }) => {
      if (this.isNow(wanted)) {
        this.footage?.close();
        this.footage = picture;
        this.draw();
        this.canvas.dataset.footage = `${wanted.frame} ${wanted.close}`;
      }
    },
    (wanted, refused) => this.fail(wanted, refused),
  );
  private readonly lane = new Lane(
    (wanted, shown) => this.show(wanted, shown),
    (wanted, refused) => this.fail(wanted, refused),
  );
  private readonly steadyLane = new Lane(
    (wanted, shown) => {
      if (!this.isNow(wanted)) return;
      this.steady = placeOf(wanted);
      // settings may have been changed since it was asked for
      if (this.sight && sameSettings(wanted, this.sight)) this.show(wanted, shown);
      else this.askResult();
    },
    (wanted, refused) => this.fail(wanted, refused),
  );

  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly told: (seen: Seen | null, why: string) => void,
  ) {
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Shows something else, or the same by other settings. `anew`: what is drawn may have changed. */
  look(sight: Sight, anew = false): void {
    const before = this.sight;
    const moved = !before || placeOf(before) !== placeOf(sight) || before.close !== sight.close;
    this.sight = sight;
    if (anew || (before && before.identity !== sight.identity)) this.steady = "";
    if (moved || anew) {
      this.footageLane.ask({ clip: sight.clip, frame: sight.frame, view: "footage", close: sight.close });
    }
    this.askResult();
  }

  private askResult(): void {
    const { sight } = this;
    window.clearTimeout(this.resting);
    if (!sight?.identity || sight.view === "footage") {
      this.lane.ask(null);
      this.result?.close();
      this.result = null;
      this.draw();
      if (sight) this.told({ frame: sight.frame, steady: true, mask: null, labelled: false }, "");
      return;
    }
    const wanted: FrameWanted = { ...sight, identity: sight.identity, settings: sight.settings ?? undefined };
    const isSteady = this.steady === placeOf(sight);
    const now = { ...wanted, steady: isSteady };
    this.asked.set(now, performance.now());
    this.lane.ask(now);
    if (!isSteady) this.resting = window.setTimeout(() => this.steadyLane.ask({ ...wanted, steady: true }), REST_MS);
  }

  /** What was given up for something else is no news. */
  private fail(wanted: FrameWanted, { status, message, hint }: Refused): void {
    if (!this.isNow(wanted)) return;
    // given up for another tab: whoever is looked at has it drawn
    if (status === GIVEN_UP && wanted.steady) {
      if (document.hasFocus()) this.askResult();
    } else this.told(null, hint ? `${message}; ${hint}` : message);
  }

  private show(wanted: FrameWanted, { picture, steady, mask, labelled }: FrameShown): void {
    if (!this.isNow(wanted) || wanted.view !== this.sight?.view) {
      picture.close();
      return;
    }
    // a first look that comes late does not take the place of the real one
    if (!steady && this.steady === placeOf(wanted) && sameSettings(wanted, this.sight)) {
      picture.close();
      this.askResult();
      return;
    }
    this.result?.close();
    this.result = picture;
    this.draw();
    const asked = this.asked.get(wanted);
    // what is seen, for people who measure
    Object.assign(this.canvas.dataset, {
      frame: wanted.frame,
      shows: wanted.view,
      close: wanted.close,
      steady,
      settings: JSON.stringify(wanted.settings ?? null),
      took: asked === undefined ? "" : (performance.now() - asked).toFixed(0),
    });
    this.told({ frame: wanted.frame, steady, mask, labelled }, "");
  }

  private isNow(wanted: FrameWanted): boolean {
    const { sight } = this;
    return (
      sight !== null &&
      wanted.clip === sight.clip &&
      wanted.frame === sight.frame &&
      wanted.close === sight.close &&
      (wanted.view === "footage" || wanted.identity === sight.identity)
    );
  }

  /** Where the picture lies in the canvas, in pixels of the page. */
  private place(): { x: number; y: number; width: number; height: number } {
    const { canvas, footage, result } = this;
    const picture = footage ?? result;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!picture) return { x: 0, y: 0, width, height };
    const scale = Math.min(width / picture.width, height / picture.height);
    const [w, h] = [picture.width * scale, picture.height * scale];
    return { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h };
  }

  /** Puts the line under a place of the canvas. */
  splitAt(x: number): void {
    const place = this.place();
    this.split = Math.max(0, Math.min(1, (x - place.x) / place.width));
    this.draw();
  }

  draw(): void {
    const { canvas, footage, result, split } = this;
    const density = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
      canvas.width = Math.round(width * density);
      canvas.height = Math.round(height * density);
    }
    const context = canvas.getContext("2d", { alpha: false });
    if (!context || width === 0) return;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.fillStyle = GROUND;
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    const { x, y, width: w, height: h } = this.place();
    if (footage) context.drawImage(footage, x, y, w, h);
    if (!result || this.flipped) return;
    const at = x + split * w;
    context.save();
    context.beginPath();
    context.rect(at, y, x + w - at, h);
    context.clip();
    context.drawImage(result, x, y, w, h);
    context.restore();
    if (split <= 0 || split >= 1) return;
    context.fillStyle = "rgba(255, 255, 255, 0.85)";
    context.fillRect(Math.round(at) - 1, y, 2, h);
    context.beginPath();
    context.arc(at, y + h / 2, 9, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = "#262626";
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("⇔", at, y + h / 2 + 0.5);
  }
}

const placeOf = ({ clip, frame, identity }: Sight | FrameWanted): string => `${clip}/${frame}/${identity ?? ""}`;

const sameSettings = (wanted: FrameWanted, sight: Sight): boolean =>
  JSON.stringify(wanted.settings ?? null) === JSON.stringify(sight.settings);
