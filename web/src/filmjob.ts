// How the making of a film stands.

import { byId, h } from "./dom.ts";
import { state } from "./store.ts";

/** How the conversion stands, beside the settings. */
export function showFilmJob(): void {
  const place = document.getElementById("film-job");
  if (!place) return;
  const { job } = state;
  const isOurs = job?.kind === "convert";
  const button = byId<HTMLButtonElement>("convert");
  button.textContent = job?.running && isOurs ? "Stop" : "Start conversion";
  button.disabled = job?.running === true && (!isOurs || job.stopping);
  if (!isOurs || !job) {
    place.replaceChildren();
    return;
  }
  const { progress, result, messages } = job;
  const lines: HTMLElement[] = [];
  if (job.running) {
    const rate = progress?.per_sec ? `, ${progress.per_sec.toFixed(1)} a second` : "";
    lines.push(h("p", {}, `${progress?.stage === "join" ? "Joining" : "Converting"}: ${progress?.done ?? 0} of ${progress?.total ?? "?"}${rate}`));
  } else if (result?.outcome === "done") {
    lines.push(h("p", {}, "Finished:"), ...(result.outputs ?? []).map((path) => h("code", { class: "path" }, path)));
  } else if (result) {
    const { outcome, error, hint } = result;
    lines.push(h("p", {}, outcome === "stopped" ? "Stopped; what is done is kept." : `${error ?? outcome}${hint ? `; ${hint}` : ""}`));
  }
  const notes = messages.filter(({ event }) => event === "warning").map(({ text }) => h("p", { class: "dim" }, text ?? ""));
  place.replaceChildren(h("h3", {}, "Conversion"), ...lines, ...notes);
}
