// Training: start, enough, how it goes, what the network draws.

import { api, type Training } from "./api.ts";
import { CHART_COLOURS, drawChart } from "./chart.ts";
import { byId, clock, h, thousands } from "./dom.ts";
import { start, stop } from "./jobs.ts";
import { state } from "./store.ts";

let newest: Training | null = null;

export function trainingPage(): HTMLElement {
  const minutes = h("input", { type: "number", id: "minutes", min: "1", step: "1", placeholder: "8", "aria-label": "Minutes" });
  const begin = () => void start("train", minutes.value === "" ? undefined : Number(minutes.value));
  return h(
    "div",
    { class: "training" },
    h(
      "section",
      { class: "card" },
      h(
        "div",
        { class: "line" },
        h("h2", {}, "Training"),
        h("label", { class: "inline" }, "Minutes in all", minutes),
        h("button", { class: "main", id: "train", click: begin }, "Train"),
        h("button", { id: "enough", click: () => void stop() }, "Enough"),
      ),
      h("p", { class: "dim", id: "trained" }, ""),
      h("canvas", { class: "chart", id: "chart", role: "img", "aria-label": "Losses over iterations" }),
      h("ul", { class: "legend", id: "legend" }),
    ),
    h(
      "section",
      { class: "card" },
      h("h2", {}, "What the network draws"),
      h("div", { id: "preview" }, h("p", { class: "dim" }, "There is a picture with the first checkpoint.")),
    ),
  );
}

/** Asks how training goes and shows it, when the page is open. */
export async function refreshTraining(): Promise<void> {
  if (!document.getElementById("chart")) return;
  newest = await api.training();
  if (document.getElementById("chart")) show(newest);
}

export function redrawChart(): void {
  if (newest && document.getElementById("chart")) drawChart(byId<HTMLCanvasElement>("chart"), newest);
}

function show(training: Training): void {
  const { iteration, trained_secs, preview, curves } = training;
  byId("trained").textContent =
    iteration === null
      ? "Nothing is trained yet."
      : `${thousands(iteration)} iterations in ${clock(trained_secs ?? 0)}`;
  drawChart(byId<HTMLCanvasElement>("chart"), training);
  byId("legend").replaceChildren(
    ...curves
      .filter(({ loss }) => loss.length > 0)
      .map(({ person, loss, held_out }, at) => {
        const line = h("span", { class: "swatch" });
        line.style.background = CHART_COLOURS[at % CHART_COLOURS.length] ?? "";
        return h("li", {}, line, `${person}: loss ${(loss.at(-1) ?? 0).toFixed(4)}${dashed(held_out.at(-1))}`);
      }),
  );
  const address = `/api/preview?v=${preview}`;
  const picture = byId("preview").querySelector("img");
  if (preview !== null && picture?.getAttribute("src") !== address) {
    byId("preview").replaceChildren(h("img", { src: address, alt: "Faces as filmed and as drawn, person by person" }));
  }
  showButtons();
}

/** The loss on faces that are never trained on, where there are enough of them. */
function dashed(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : `, held-out ${value.toFixed(4)} (dashed)`;
}

/** Which of the buttons can be pressed. */
export function showButtons(): void {
  const running = state.job?.running ?? false;
  const train = document.getElementById("train") as HTMLButtonElement | null;
  const enough = document.getElementById("enough") as HTMLButtonElement | null;
  if (train) train.disabled = running;
  if (enough) enough.disabled = !running || state.job?.kind !== "train" || state.job.stopping;
}
