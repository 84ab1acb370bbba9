// All keys, and the choice of a person.

import { h } from "./dom.ts";

const FACES: [string, string][] = [
  ["← → ↑ ↓", "Move; with Shift, select on the way"],
  ["Page ↑ ↓, Home, End", "Move further"],
  ["X", "Reject: not learned from"],
  ["A", "Accept: good to learn from"],
  ["O", "Leave open again"],
  ["G", "Select the whole group"],
  ["T", "Select the whole track"],
  ["Space", "Select this face, or no longer"],
  ["Escape", "Select nothing"],
  ["P", "Say who the track is"],
  ["E", "Move landmarks by hand"],
  ["+ −", "Larger, smaller"],
  ["Enter", "Look at the frame, large"],
];

const FILM: [string, string][] = [
  ["← →", "One frame back, on; Page ↑ ↓ 25 frames"],
  ["Shift+← →", "The shot before, the next"],
  ["Home, End", "First, last frame of the shot"],
  ["Space", "Flip between footage and result"],
  ["[ ]", "Move the split"],
  ["V", "Next view: result, mask, matte, what is in front"],
  ["Z", "Look closely, or at the whole frame"],
  ["S", "Leave the face of this shot as filmed, or no longer"],
  ["R", "Reset the shot to defaults"],
];

const EVERYWHERE: [string, string][] = [
  ["U, Shift+U", "Undo, redo: without end"],
  ["1 2 3 4", "People, faces, training, film"],
  ["?", "This list"],
];

function open(title: string, ...content: (Node | string)[]): HTMLDialogElement {
  const dialog = h("dialog", { "aria-label": title }, h("h2", {}, title), ...content);
  dialog.addEventListener("close", () => dialog.remove());
  // a click beside it
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** The keys of the page `name`, and those of all. */
export function showHelp(name: string): void {
  const own = name === "faces" ? FACES : name === "film" ? FILM : [];
  const list = [...own, ...EVERYWHERE].flatMap(([keys, what]) => [h("dt", {}, keys), h("dd", {}, what)]);
  const dialog = open("Keys", h("dl", { class: "keys" }, ...list));
  dialog.append(h("button", { class: "main", click: () => dialog.close() }, "Close"));
}

/** Asks who somebody is; 1 to 9 choose, 0 is nobody. */
export function askPerson(people: string[], tracks: number, chosen: (person: string | null) => void): void {
  const choose = (person: string | null) => {
    dialog.close();
    chosen(person);
  };
  const choice = (number: number, title: string, person: string | null) =>
    h("button", { class: "choice", click: () => choose(person) }, h("span", {}, title), h("kbd", {}, String(number)));
  const dialog = open(
    tracks === 1 ? "Who is this track?" : `Who are these ${tracks} tracks?`,
    ...people.slice(0, 9).map((name, at) => choice(at + 1, name, name)),
    choice(0, "Nobody in the project", null),
  );
  dialog.addEventListener("keydown", (event) => {
    const number = Number(event.key);
    if (event.key === "0") choose(null);
    else if (number >= 1 && number <= people.length) choose(people[number - 1] ?? null);
  });
}

/** A frame as large as the window allows. */
export function showFrame(id: number, title: string): void {
  const dialog = open(title, h("img", { class: "large", src: `/api/faces/${id}/frame`, alt: title }));
  dialog.classList.add("wide");
  dialog.addEventListener("keydown", (event) => event.key === "Enter" && dialog.close());
}
