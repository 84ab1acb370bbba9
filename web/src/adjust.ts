// The panel in which people choose how the face of a shot is put on.

import type { Film, Knob, Settings } from "./api.ts";
import { byId, h } from "./dom.ts";

interface Shown {
  title: string;
  told: string;
  step: number;
}

const KNOBS: Record<Knob, Shown> = {
  mask_size: { title: "Mask size", told: "of the face's own outline", step: 0.01 },
  feather: { title: "Feather", told: "width of the mask's soft edge", step: 0.005 },
  color_match: { title: "Colour match", told: "0 % leaves the identity's colours; at the edge they always meet the footage's", step: 0.05 },
  detail: { title: "Detail", told: "pores, stubble, hairs of the brows, from the identity's own frames", step: 0.05 },
  grain: { title: "Grain", told: "of the grain that the drawn face lacks", step: 0.05 },
};

/** `tried` hears every move, `chosen` when one is let go. */
export function makePanel(
  film: Film,
  tried: (part: Partial<Settings>) => void,
  chosen: (part: Partial<Settings>) => void,
  ...buttons: HTMLElement[]
): HTMLElement {
  const slider = ({ name, least, most }: Film["knobs"][number]) => {
    const { title, told, step } = KNOBS[name];
    const input = h("input", { type: "range", id: `knob-${name}`, min: least, max: most, step, title: told });
    const now = () => ({ [name]: Number(input.value) });
    input.addEventListener("input", () => {
      byId(`value-${name}`).textContent = percent(Number(input.value), step);
      tried(now());
    });
    input.addEventListener("change", () => chosen(now()));
    input.addEventListener("dblclick", () => chosen({ [name]: film.defaults[name] }));
    return h(
      "label",
      { class: "knob" },
      h("span", {}, title),
      h("output", { id: `value-${name}`, for: `knob-${name}` }, ""),
      input,
    );
  };
  const tick = (name: "keep_in_front" | "skip", title: string, told: string) => {
    const input = h("input", { type: "checkbox", id: `knob-${name}` });
    input.addEventListener("change", () => chosen({ [name]: input.checked }));
    return h("label", { class: "tick", title: told }, input, title);
  };
  return h(
    "aside",
    { class: "inspector adjust", "aria-label": "How the face of this shot is put on" },
    h("h2", { id: "shot-name" }, ""),
    h("p", { class: "dim", id: "shot-state" }, ""),
    ...film.knobs.map(slider),
    tick("keep_in_front", "Keep what is in front", "Hands, glasses, microphones and hair before the face"),
    tick("skip", "Leave this face as filmed", "No new face in this shot (S)"),
    h("div", { class: "buttons" }, ...buttons),
    h("p", { class: "dim" }, "Saved when chosen · U takes it back. Double click on a slider: its default."),
    h("div", { id: "film-job", role: "status" }),
  );
}

/** Shows these settings; none where there is no face to put one on. */
export function fillPanel(film: Film, settings: Settings | null, name: string, state: string): void {
  byId("shot-name").textContent = name;
  byId("shot-state").textContent = state;
  const shown = settings ?? film.defaults;
  for (const { name } of film.knobs) {
    const input = byId<HTMLInputElement>(`knob-${name}`);
    // not under the hand that moves it
    if (!input.matches(":active")) input.value = String(shown[name]);
    input.disabled = settings === null || settings.skip;
    byId(`value-${name}`).textContent = percent(Number(input.value), KNOBS[name].step);
    input.closest("label")?.classList.toggle("changed", shown[name] !== film.defaults[name]);
  }
  for (const name of ["keep_in_front", "skip"] as const) {
    const input = byId<HTMLInputElement>(`knob-${name}`);
    input.checked = shown[name];
    input.disabled = settings === null || (name !== "skip" && settings.skip);
    input.closest("label")?.classList.toggle("changed", shown[name] !== film.defaults[name]);
  }
}

export const isDefault = (film: Film, settings: Settings): boolean =>
  (Object.keys(film.defaults) as (keyof Settings)[]).every((name) => settings[name] === film.defaults[name]);

const percent = (value: number, step: number): string => `${(100 * value).toFixed(step < 0.01 ? 1 : 0)} %`;
