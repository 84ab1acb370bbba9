// Starts and stops long work from the page.
import { expect, finish, link, open, picture, rest, toasted, until } from "./browser.mjs";

const [pictures] = rest;
const page = await open(link);
await page.locator("#wall").waitFor();

await page.keyboard.press("1");
await page.locator("#extract").click();
const extracted = await until(toasted(page), (told) => told.startsWith("Finding faces:"), "extraction to end");

await page.keyboard.press("3");
await page.locator("#train").click();
await until(() => page.locator("#job").textContent(), (told) => /iteration [1-9]/.test(told), "an iteration");
expect(await page.locator("#train").isDisabled(), "no second training can be started");
await picture(page, pictures, "training");
await page.locator("#enough").click();
const stopped = await until(toasted(page), (told) => told.startsWith("Training:"), "training to end");
await page.locator("#preview img").waitFor();
const preview = await until(
  () => page.locator("#preview img").evaluate((image) => image.complete && image.naturalWidth > 0),
  Boolean,
  "the preview",
);
const trained = await until(() => page.locator("#trained").textContent(), (told) => /^[\d,]+ iter/.test(told), "the count");
await picture(page, pictures, "trained");
await finish({
  extracted: extracted.split(": ")[1],
  stopped,
  preview,
  iterations: Number(trained.split(" ")[0].replaceAll(",", "")),
});
