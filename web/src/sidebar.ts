// Which faces are shown, and how they are sorted.

import { byId, h, thousands } from "./dom.ts";
import { GROUPS, SORTS, type Filters, type GroupBy, capital, isSuspicious, matches, state } from "./store.ts";

let changed: () => void = () => {};

export function makeSidebar(hear: () => void): HTMLElement {
  changed = hear;
  return h("aside", { class: "sidebar", id: "sidebar", "aria-label": "Which faces" });
}

function set(part: Partial<Filters>): void {
  Object.assign(state.filters, part);
  state.selected.clear();
  state.cursor = 0;
  changed();
}

/** Counts again what each choice would show. */
export function fillSidebar(): void {
  const { faces, filters } = state;
  if (!faces) return;
  const count = (part: Partial<Filters>): number => {
    const wanted = { ...filters, ...part };
    let found = 0;
    for (let at = 0; at < faces.id.length; at++) if (matches(faces, at, wanted)) found++;
    return found;
  };
  const choice = (title: string, part: Partial<Filters>, isChosen: boolean, shown = title) =>
    h(
      "button",
      { class: "choice", "aria-pressed": String(isChosen), "data-choice": title, click: () => set(part) },
      h("span", {}, shown),
      h("span", { class: "count" }, thousands(count(part))),
    );
  const people = faces.people.map((name) => choice(name, { person: name }, filters.person === name));
  const verdicts = ["Open", "Accepted", "Rejected"].map((title, verdict) =>
    choice(title, { verdict }, filters.verdict === verdict),
  );
  const reasons = faces.reasons.map((title, reason) => choice(title, { reason }, filters.reason === reason, capital(title)));
  const suspicious = faces.id.reduce((sum, _, at) => sum + Number(isSuspicious(faces, at)), 0);
  const select = (label: string, options: [string, string][], now: string, choose: (to: string) => void) => {
    const list = h("select", { id: `select-${label.toLowerCase()}`, change: () => choose(list.value) });
    list.append(...options.map(([value, title]) => h("option", { value }, title)));
    list.value = now;
    return h("label", { class: "select" }, label, list);
  };
  const focused = document.activeElement?.getAttribute("data-choice");
  byId("sidebar").replaceChildren(
    select("Sort", Object.entries(SORTS).map(([key, { title }]) => [key, title]), filters.sort, (sort) => set({ sort })),
    select("Group", Object.entries(GROUPS), filters.group, (to) => set({ group: to as GroupBy })),
    h("h2", {}, "Whose"),
    choice("Everybody", { person: "" }, filters.person === ""),
    ...people,
    faces.person.includes(-1) ? choice("Nobody in the project", { person: null }, filters.person === null) : "",
    h("h2", {}, "Verdict"),
    choice("All", { verdict: -1 }, filters.verdict === -1),
    ...verdicts,
    h("h2", {}, "Seems wrong"),
    choice("Either way", { reason: -1 }, filters.reason === -1),
    suspicious > 0 ? choice("Suspicious", { reason: -2 }, filters.reason === -2) : "",
    ...reasons,
  );
  if (focused) byId("sidebar").querySelector<HTMLElement>(`[data-choice="${CSS.escape(focused)}"]`)?.focus();
}
