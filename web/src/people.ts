// People and their clips: how many faces, how far extraction is, what their faces cover.

import type { Clip, Person, Project } from "./api.ts";
import { h, thousands } from "./dom.ts";

export function peoplePage(project: Project, review: (person: string | null) => void): HTMLElement {
  const cards = project.people.map((person) => card(person, project, review));
  const none = h(
    "p",
    { class: "hint" },
    "Nobody is in this project yet. Tell it whose face is in which clips: ",
    h("code", {}, "bifrons add --as NAME CLIP"),
  );
  const others =
    project.nobody > 0 &&
    h(
      "p",
      { class: "hint" },
      `${thousands(project.nobody)} faces are of nobody in the project. They stay as filmed. `,
      h("button", { click: () => review(null) }, "Look at them"),
    );
  return h("div", { class: "people" }, ...(cards.length > 0 ? cards : [none]), others);
}

function card(person: Person, project: Project, review: (person: string) => void): HTMLElement {
  const reviewed = person.accepted + person.rejected;
  const facts = [
    `${thousands(person.faces)} faces`,
    `${thousands(reviewed)} reviewed`,
    person.rejected > 0 && `${thousands(person.rejected)} rejected`,
    person.suspicious > 0 && `${thousands(person.suspicious)} suspicious`,
  ].filter(Boolean);
  const missing = person.coverage.missing.map((what) => h("li", {}, what.charAt(0).toUpperCase() + what.slice(1)));
  return h(
    "section",
    { class: "card", "aria-label": person.name },
    h(
      "div",
      { class: "line" },
      h("h2", {}, person.name),
      h("button", { class: "main", click: () => review(person.name) }, "Review faces"),
    ),
    h("p", { class: "dim" }, facts.join(" · ")),
    h(
      "div",
      { class: "halves" },
      h("div", {}, h("h3", {}, "Clips"), h("ul", { class: "clips" }, ...person.clips.map(clipLine))),
      h(
        "div",
        {},
        h("h3", {}, "Where the faces look"),
        coverageMap(person, project),
        missing.length > 0
          ? h("ul", { class: "missing" }, ...missing)
          : h("p", { class: "dim" }, person.faces > 0 ? "Nothing is missing." : "No faces yet."),
      ),
    ),
  );
}

function clipLine(clip: Clip): HTMLElement {
  const part = clip.done ? 1 : clip.next_frame / Math.max(1, clip.frames);
  const state = clip.done ? `${thousands(clip.faces)} faces` : `${Math.floor(part * 100)} % looked through`;
  return h(
    "li",
    {},
    h("span", { class: "clip-name" }, clip.name),
    h("span", { class: "dim" }, `${thousands(clip.frames)} frames, ${clip.width_px}×${clip.height_px} · ${state}`),
    !clip.done && h("progress", { max: 1, value: part, "aria-label": `${clip.name} looked through` }),
  );
}

/** Rows from looking up to down, columns from the picture's left to its right; brighter where there are more. */
function coverageMap(person: Person, project: Project): HTMLElement {
  const { counts } = person.coverage;
  const most = Math.max(1, ...counts.flat());
  const range = (edges: number[], at: number): string => {
    const [low, high] = [edges[at - 1], edges[at]];
    if (low === undefined) return `below ${high}°`;
    return high === undefined ? `above ${low}°` : `${low}° to ${high}°`;
  };
  const rows = counts.map((row, y) => {
    const pitch = range(project.pitch_edges_deg, counts.length - 1 - y);
    const cells = row.map((count, x) => {
      const told = `${count} faces: turned ${range(project.yaw_edges_deg, x)}, nodded ${pitch}`;
      const cell = h("td", { title: told, class: count === 0 ? "none" : "" }, count > 0 ? thousands(count) : "");
      const light = count === 0 ? 0 : 0.18 + 0.72 * Math.sqrt(count / most);
      cell.style.background = count === 0 ? "" : `rgba(190, 205, 220, ${light.toFixed(3)})`;
      cell.style.color = light > 0.55 ? "#161616" : "";
      return cell;
    });
    const side = ["up", "", "", "", "down"][y] ?? "";
    return h("tr", {}, h("th", { scope: "row" }, side), ...cells);
  });
  const head = ["left", "", "", "front", "", "", "right"].map((side) => h("th", { scope: "col" }, side));
  return h(
    "table",
    { class: "coverage", "aria-label": `Where the faces of ${person.name} look` },
    h("tr", {}, h("td"), ...head),
    ...rows,
  );
}
