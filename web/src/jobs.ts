// Long work: starting, stopping, and how far it is.

import { api, Refused, type Job } from "./api.ts";
import { byId, clock, h, thousands, toast } from "./dom.ts";
import { state } from "./store.ts";

const WORK = { extract: "Finding faces", train: "Training", convert: "Conversion" };

async function told(asking: Promise<unknown>): Promise<void> {
  try {
    await asking;
  } catch (error) {
    if (error instanceof Refused) toast(error.message, true);
    else throw error;
  }
}

export const start = (kind: "extract" | "train", minutes?: number): Promise<void> => told(api.start(kind, minutes));

export const convert = (clip: number, identity: string, matte: boolean): Promise<void> =>
  told(api.convert(clip, identity, matte));

export const stop = (): Promise<void> => told(api.stop());

/** Tells how the newest work stands, in the bar above. */
export function showJob(before: Job | null): void {
  const place = byId("job");
  const { job } = state;
  if (job && !job.running && before?.running) {
    const { outcome, error, hint } = job.result ?? {};
    const end = outcome === "done" ? "done" : outcome === "stopped" ? "stopped, what is done is kept" : (error ?? outcome);
    toast(`${WORK[job.kind]}: ${end}${error && hint ? ` (${hint})` : ""}`, outcome === "failed");
  }
  if (!job?.running) {
    place.replaceChildren();
    return;
  }
  const { progress } = job;
  const parts: string[] = [job.stopping ? "Stopping" : WORK[job.kind]];
  if (progress?.item) parts.push(progress.item);
  if (progress?.iteration) parts.push(`iteration ${thousands(progress.iteration)}`);
  if (job.kind === "convert" && progress?.per_sec) parts.push(`${progress.per_sec.toFixed(1)} frames a second`);
  if (progress?.left_secs !== undefined && !job.stopping) parts.push(`${clock(progress.left_secs)} left`);
  const bar =
    progress?.total !== undefined && progress.done !== undefined
      ? h("progress", { max: progress.total, value: progress.done, "aria-label": "Progress" })
      : h("progress", { "aria-label": "Progress" });
  place.replaceChildren(
    bar,
    h("span", {}, parts.join(" · ")),
    h("button", { class: "quiet", id: "stop", click: () => void stop() }, job.kind === "train" ? "Enough" : "Stop"),
  );
}
