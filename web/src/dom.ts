// Making elements, without a framework.

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | ((event: Event) => void) | undefined>;

/** An element with attributes (functions listen to the event of that name) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child): child is Node | string => Boolean(child) || child === ""));
  return element;
}

/** The element of the page with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

let hiding = 0;

/** Says something for a few seconds. */
export function toast(text: string, bad = false): void {
  const place = byId("toast");
  place.textContent = text;
  place.className = bad ? "toast shown bad" : "toast shown";
  clearTimeout(hiding);
  hiding = window.setTimeout(() => place.classList.remove("shown"), bad ? 9000 : 3500);
}

/** Tells people who hear the page. */
export function announce(text: string): void {
  byId("live").textContent = text;
}

export const thousands = (n: number): string => n.toLocaleString("en");

/** `1:05:03`, `5:03`. */
export function clock(seconds: number): string {
  const all = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
