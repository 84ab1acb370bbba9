// The page: who may come in, which part is shown, what changes meanwhile.

import { api, listen, Refused, type News } from "./api.ts";
import { byId, h, toast } from "./dom.ts";
import { filmKey, filmPage, goTo, refreshFilm } from "./film.ts";
import { showFilmJob } from "./filmjob.ts";
import { showHelp } from "./help.ts";
import { showJob, start } from "./jobs.ts";
import { peoplePage } from "./people.ts";
import { refilter, refreshFaces, reviewKey, reviewPage, takeBack } from "./review.ts";
import { state } from "./store.ts";
import { redrawChart, refreshTraining, showButtons, trainingPage } from "./training.ts";
import { draw, focusWall, layOut } from "./wall.ts";

const PAGES = ["people", "faces", "training", "film"] as const;
type Page = (typeof PAGES)[number];

/** While much changes (extraction), everything is read anew no more often than this. */
const REFRESH_MS = 1500;

let page: Page = "faces";
let refreshing = false;
let refreshAgain = false;

async function refresh(): Promise<void> {
  if (refreshing) {
    refreshAgain = true;
    return;
  }
  refreshing = true;
  try {
    state.project = await api.project();
    byId("project-name").textContent = state.project.name;
    if (page === "people") showPeople();
    await refreshFaces();
    await refreshTraining();
    await refreshFilm();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) showDoor(error.message);
  } finally {
    window.setTimeout(() => {
      refreshing = false;
      if (refreshAgain) {
        refreshAgain = false;
        void refresh();
      }
    }, REFRESH_MS);
  }
}

function showPeople(): void {
  const { project } = state;
  if (!project) return;
  const review = (person: string | null) => {
    Object.assign(state.filters, { person, verdict: -1, reason: -1 });
    state.cursor = 0;
    show("faces");
  };
  const focused = document.activeElement?.id;
  const find = h("button", { id: "extract", click: () => void start("extract") }, "Find faces in all clips");
  find.disabled = state.job?.running ?? false;
  byId("main").replaceChildren(h("div", { class: "scroll" }, h("div", { class: "line top" }, h("h1", {}, project.name), find), peoplePage(project, review)));
  if (focused) document.getElementById(focused)?.focus();
}

function show(next: Page): void {
  page = next;
  // the film page says itself where in the film it is
  if (page !== "film") history.replaceState(null, "", `#${page}`);
  fillTabs();
  if (page === "people") showPeople();
  else if (page === "training") {
    byId("main").replaceChildren(h("div", { class: "scroll" }, trainingPage()));
    showButtons();
    void refreshTraining();
  } else if (page === "film") {
    byId("main").replaceChildren(filmPage());
    void refreshFilm();
  } else {
    byId("main").replaceChildren(reviewPage());
    refilter();
    focusWall();
  }
}

function fillTabs(): void {
  byId("tabs").replaceChildren(
    ...PAGES.map((name) =>
      h(
        "button",
        { class: "tab", "aria-current": name === page ? "page" : undefined, click: () => show(name) },
        name.charAt(0).toUpperCase() + name.slice(1),
      ),
    ),
  );
}

function hear(news: News): void {
  if (news.kind === "job") {
    const before = state.job;
    state.job = news.job;
    showJob(before);
    showButtons();
    showFilmJob();
    const find = document.getElementById("extract") as HTMLButtonElement | null;
    if (find) find.disabled = news.job?.running ?? false;
    return;
  }
  if (news.kind === "preview" || news.revision > (state.faces?.revision ?? 0)) void refresh();
}

function keys(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (document.querySelector("dialog[open]") || target.closest("select, textarea")) return;
  const input = target.closest("input");
  const isSlid = input?.type === "range" && /^(Arrow|Page|Home|End)/.test(event.key);
  const isTicked = input?.type === "checkbox" && event.key === " ";
  if (input && (isSlid || isTicked || !["range", "checkbox"].includes(input.type))) return;
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && event.key.toLowerCase() === "z") {
    event.preventDefault();
    void back(event.shiftKey);
    return;
  }
  if (isCommand || event.altKey) return;
  const presses = event.key === "Enter" || event.key === " ";
  if (presses && target.closest("button")) return;
  const number = PAGES[Number(event.key) - 1];
  if (event.key === "?") showHelp(page);
  else if (event.key.toLowerCase() === "u") void back(event.shiftKey);
  else if (number) show(number);
  else if (page === "faces" && event.key !== "Tab" && reviewKey(event)) {
    event.preventDefault();
    return;
  } else if (page !== "film" || !filmKey(event)) return;
  event.preventDefault();
}

async function back(redo: boolean): Promise<void> {
  if ((await takeBack(redo)) === "adjust") await refreshFilm();
}

/** What somebody without a cookie sees. */
function showDoor(why: string): void {
  byId("main").replaceChildren(
    h(
      "div",
      { class: "door" },
      h("h1", {}, "Bifrons studio"),
      h("p", {}, `${why.charAt(0).toUpperCase()}${why.slice(1)}.`),
      h("p", { class: "dim" }, "Each link lets one browser in, once; the terminal prints the next one."),
    ),
  );
}

async function enter(): Promise<void> {
  const secret = location.hash.slice(1);
  if (/^[0-9a-f]{64}$/.test(secret)) {
    // out of the address at once: neither history nor a picture of the screen should hold it
    history.replaceState(null, "", "/");
    await api.enter(secret);
    return;
  }
  const [name, ...place] = secret.split("/");
  if (PAGES.includes(name as Page)) page = name as Page;
  if (page === "film") goTo(place);
}

async function begin(): Promise<void> {
  fillTabs();
  byId("undo").addEventListener("click", () => void back(false));
  byId("redo").addEventListener("click", () => void back(true));
  byId("help").addEventListener("click", () => showHelp(page));
  document.addEventListener("keydown", keys);
  window.addEventListener("resize", () => (page === "training" ? redrawChart() : page === "faces" && draw()));
  try {
    await enter();
    [state.project, state.faces] = await Promise.all([api.project(), api.faces()]);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showDoor(error.message);
    return;
  }
  byId("project-name").textContent = state.project.name;
  document.title = `${state.project.name} · Bifrons studio`;
  show(state.faces.id.length === 0 ? "people" : page);
  layOutWhenSeen();
  let wasThere = true;
  listen(hear, (there) => {
    if (there !== wasThere) toast(there ? "The studio is back" : "The studio does not answer; nothing is lost", !there);
    wasThere = there;
  });
}

/** The wall has its size only once the page has been laid out. */
function layOutWhenSeen(): void {
  requestAnimationFrame(() => page === "faces" && layOut());
}

void begin();
