// Reviews faces with the keyboard. "first": a review with undo, reload and a second tab; "door": with a link that was
// used; "again": after the studio was killed.
import { context, counted, expect, finish, link, open, picture, rest, spoken, toasted, until } from "./browser.mjs";

const [part, pictures] = rest;
const page = await open(link);

if (part === "door") {
  const told = await page.locator(".door").textContent();
  await finish({ door: told });
} else {
  await page.locator("#wall").waitFor();
  const rejected = counted(page, "Rejected");
  if (part === "again") {
    const before = await rejected();
    await page.keyboard.press("u");
    await until(rejected, (now) => now === before - 1, "one face to come back");
    await finish({ rejected: before, after_undo: await rejected() });
  } else {
    await first(rejected);
  }
}

async function first(rejected) {
  const address = page.url().includes(link.split("#")[1]) ? "still in the address" : "gone from the address";
  await page.keyboard.press("Home");
  // the most suspicious face is the first
  await until(spoken(page), (told) => /wrong person|bad alignment|not a face/.test(told), "a wrong face");
  await picture(page, pictures, "wall");
  await page.keyboard.press("?");
  await page.locator("dialog[open]").waitFor();
  await picture(page, pictures, "keys");
  await page.keyboard.press("Escape");

  // sort: the smallest yaw first, and back
  await page.locator("#select-sort").selectOption("yaw_deg");
  const told = await until(spoken(page), Boolean, "something");
  expect(told, "a face is told");
  // what faces do and how they are lit can be sorted by, and is told beside the face
  for (const [sort, word] of [["smile", "Smile"], ["covered", "Covered"], ["light", "Light"]]) {
    await page.locator("#select-sort").selectOption(sort);
    const told = () => page.locator(".inspector").innerText();
    await until(told, (text) => text.toLowerCase().includes(word.toLowerCase()), `${word} beside the face`);
  }
  await page.locator("#select-sort").selectOption("suspicion");

  // by track; the strangers are one
  await page.locator("#select-group").selectOption("track");
  await page.locator('[data-choice="wrong person"]').click();
  await page.locator("#wall").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("g");
  await until(spoken(page), (told) => told.includes("faces selected"), "a group");
  const group = Number((await spoken(page)()).split(" ")[0]);
  await picture(page, pictures, "group");
  await page.keyboard.press("x");
  await until(rejected, (now) => now === group, "the group to be rejected");
  await page.keyboard.press("u");
  await until(rejected, (now) => now === 0, "the group to come back");
  await page.keyboard.press("Shift+U");
  await until(rejected, (now) => now === group, "the group to go again");

  // one more, and one accepted, from the whole wall
  await page.locator('[data-choice="Either way"]').click();
  await page.locator("#select-group").selectOption("none");
  await page.locator("#wall").focus();
  for (const key of ["End", "x", "ArrowLeft", "a"]) await page.keyboard.press(key);
  await until(counted(page, "Accepted"), (now) => now === 1, "a face to be accepted");
  const before = await until(rejected, (now) => now === group + 1, "a face to be rejected");
  await page.keyboard.press("u");
  await until(counted(page, "Accepted"), (now) => now === 0, "the last decision to be taken back");

  await page.reload();
  await page.locator("#wall").waitFor();
  await until(rejected, (now) => now === before, "the decisions after a reload");

  // a second tab sees what the first decides, and the other way round
  const second = await open(new URL(link).origin);
  await second.locator("#wall").waitFor();
  await until(counted(second, "Rejected"), (now) => now === before, "the decisions in a second tab");
  await page.bringToFront();
  for (const key of ["Home", "x"]) await page.keyboard.press(key);
  await until(rejected, (now) => now === before + 1 || now === before, "an answer");
  const now = await rejected();
  await until(counted(second, "Rejected"), (there) => there === now, "the first tab's decision in the second");
  await second.bringToFront();
  await second.keyboard.press("u");
  await until(rejected, (there) => there === before, "the second tab's undo in the first");
  await second.close();

  // whose it is
  await page.bringToFront();
  await page.keyboard.press("Home");
  await page.keyboard.press("p");
  await page.locator("dialog[open]").waitFor();
  await page.keyboard.press("2");
  await until(toasted(page), (told) => told.includes("bob"), "bob to be chosen");
  await page.keyboard.press("u");
  await until(toasted(page), (told) => told.includes("whose 1 track"), "it to be taken back");

  // landmarks by hand
  await page.keyboard.press("End");
  await page.keyboard.press("e");
  await page.locator("canvas.editor").waitFor();
  await page.keyboard.press("c");
  for (let n = 0; n < 4; n++) await page.keyboard.press("Shift+ArrowRight");
  await picture(page, pictures, "landmarks");
  await page.keyboard.press("s");
  await until(toasted(page), (told) => told.includes("Landmarks placed"), "the landmarks to be saved");
  await page.keyboard.press("u");
  await until(toasted(page), (told) => told.includes("landmarks of 1 face"), "the landmarks to be taken back");

  await page.keyboard.press("Enter");
  await page.locator("dialog[open] img").waitFor();
  await page.keyboard.press("Escape");

  await page.keyboard.press("1");
  await page.locator(".coverage").first().waitFor();
  expect((await page.locator(".missing").first().textContent()).length > 0, "what is missing is told");
  await picture(page, pictures, "people");
  await page.keyboard.press("2");
  const last = await until(rejected, (there) => there === before, "the count");
  await context.close();
  await finish({ group, link: address, rejected: last });
}
