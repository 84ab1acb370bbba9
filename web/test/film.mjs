// Chooses how a face is put on, and has the film made. "choose": on the page; "again": after the studio was killed.
import { expect, finish, link, open, picture, rest, toasted, until } from "./browser.mjs";

const [part, pictures] = rest;
const page = await open(link);
// let in, and shown where it begins
await page.locator("#wall, .people").first().waitFor();
await page.keyboard.press("4");
await page.locator("#picture").waitFor();

const told = () => page.locator("#told").textContent();
const shown = (name) => page.locator("#picture").getAttribute(`data-${name}`);
const settled = () => until(told, (text) => text.includes("as in the film"), "the frame with its neighbours");

/** Every fourth pixel of the picture as it is on the screen. */
const pixels = () =>
  page.locator("#picture").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return Array.from(data.filter((_, at) => at % 16 < 3));
  });

async function apart(before) {
  const after = await pixels();
  return after.reduce((sum, value, at) => sum + Math.abs(value - before[at]), 0) / after.length;
}

/** Moves a slider as a hand does: along, then let go. */
async function slide(knob, value) {
  await page.locator(`#knob-${knob}`).evaluate((input, to) => {
    input.value = String(to);
    input.dispatchEvent(new Event("input"));
  }, value);
  await until(
    async () => JSON.parse((await shown("settings")) ?? "null")?.[knob],
    (now) => now === value,
    `a picture with ${knob} ${value}`,
  );
  await page.locator(`#knob-${knob}`).evaluate((input) => input.dispatchEvent(new Event("change")));
  await until(() => shown("settings"), (now) => now === "null", "the picture as it was saved");
}

const shot = () => page.locator("#shot-name").textContent();
const state = () => page.locator("#shot-state").textContent();
const value = (knob) => page.locator(`#knob-${knob}`).inputValue();

if (part === "again") {
  await page.keyboard.press("Shift+ArrowRight");
  await until(shot, (name) => name === "Shot 2 of 2", "the second shot");
  const found = { mask_size: Number(await value("mask_size")), skip: await page.locator("#knob-skip").isChecked() };
  await page.keyboard.press("u");
  await until(() => page.locator("#knob-skip").isChecked(), (skip) => skip !== found.skip, "the last choice to be taken back");
  await finish(found);
} else {
  await settled();
  expect((await shot()) === "Shot 1 of 2", "two shots");
  expect((await state()).includes("as by default"), "nothing is chosen yet");
  await page.keyboard.press("Shift+ArrowRight");
  await until(shot, (name) => name === "Shot 2 of 2", "the second shot");
  const cut = Number(await until(() => shown("frame"), (frame) => frame !== "0" && frame !== null, "its first frame"));
  for (let n = 0; n < 4; n++) await page.keyboard.press("ArrowRight");
  await until(() => shown("frame"), (frame) => Number(frame) === cut + 4, "four frames on");
  await settled();

  // what a setting changes is seen, and only where the result is
  await page.keyboard.press("z");
  await until(() => page.locator("#zoom").getAttribute("aria-pressed"), (on) => on === "true", "a closer look");
  await until(() => shown("close"), (now) => now === "true", "the face");
  await until(() => shown("footage"), (now) => now === `${cut + 4} true`, "the footage of the face");
  const before = await pixels();
  await slide("mask_size", 0.6);
  const smaller = await apart(before);
  expect(smaller > 0.2, `a smaller mask is seen (${smaller})`);
  await picture(page, pictures, "film");

  // the line: on its left is the footage
  await page.locator("#split").evaluate((input) => {
    input.value = "1000";
    input.dispatchEvent(new Event("input"));
  });
  const footage = await pixels();
  await slide("mask_size", 0.9);
  expect((await apart(footage)) === 0, "no setting changes the footage");
  const box = await page.locator("#picture").boundingBox();
  await page.mouse.click(box.x + box.width / 2, box.y + 40);
  expect(Math.abs(Number(await page.locator("#split").inputValue()) - 500) < 20, "the line goes where it is put");
  expect((await apart(footage)) > 0.2, "the result is seen right of the line");
  await page.keyboard.press(" ");
  expect((await apart(footage)) === 0, "flipped, the footage is seen alone");
  await page.keyboard.press(" ");

  // other views
  for (const view of ["mask", "matte", "in_front", "footage", "result"]) {
    await page.keyboard.press("v");
    await until(() => page.locator(`button[data-view="${view}"]`).getAttribute("aria-pressed"), (on) => on === "true", view);
    if (view !== "footage") await until(() => shown("shows"), (now) => now === view, `the picture of ${view}`);
    if (view !== "footage") await settled();
    await picture(page, pictures, `film-${view}`);
  }

  // left as filmed, taken back, and once more
  await page.keyboard.press("s");
  await until(state, (now) => now.includes("changed"), "the shot to be changed");
  expect(await page.locator("#knob-skip").isChecked(), "left as filmed");
  expect(await page.locator("#knob-mask_size").isDisabled(), "nothing to choose then");
  await page.keyboard.press("u");
  await until(() => page.locator("#knob-skip").isChecked(), (skip) => !skip, "it to be taken back");
  await until(toasted(page), (text) => text.includes("put on"), "what was taken back");
  expect((await value("mask_size")) === "0.9", "the choice before is there again");

  // the first shot was not touched; from it to all; by default again
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("Shift+ArrowLeft");
  await until(shot, (name) => name === "Shot 1 of 2", "the first shot");
  expect((await value("mask_size")) === "1", "the first shot is as by default");
  await slide("feather", 0.1);
  await page.locator("#to-all").click();
  await until(toasted(page), (text) => text.includes("All shots"), "all shots");
  await page.keyboard.press("r");
  await until(state, (now) => now.includes("as by default"), "defaults");

  // reload: the same frame, and everything that was chosen
  await page.keyboard.press("Shift+ArrowRight");
  await until(shot, (name) => name === "Shot 2 of 2", "the second shot");
  expect((await value("feather")) === "0.1", "what was chosen for all");
  await slide("mask_size", 0.8);
  await page.keyboard.press("s");
  await until(() => page.locator("#knob-skip").isChecked(), Boolean, "left as filmed");
  await until(toasted(page), (text) => text.startsWith("Saved"), "it to be saved");
  await page.reload();
  await page.locator("#picture").waitFor();
  await until(shot, (name) => name === "Shot 2 of 2", "the same shot after a reload");
  expect((await value("mask_size")) === "0.8", "the choice after a reload");

  // the film
  await page.locator("#matte").check();
  await page.locator("#convert").click();
  await until(() => page.locator("#convert").textContent(), (text) => text === "Stop", "the conversion to begin");
  const end = await until(() => page.locator("#film-job").textContent(), (text) => text.includes("Finished"), "the film");
  const outputs = await page.locator("#film-job code").allTextContents();
  await picture(page, pictures, "film-made");
  await finish({ cut, smaller, end, outputs });
}
