// What the walks share: a browser, and failing with a reason.
import { join } from "node:path";
import { chromium } from "playwright-core";

export const [program, link, ...rest] = process.argv.slice(2);

export const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
export const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });

/** A page that fails the walk when a script of it does, or when the policy refuses something. */
export async function open(address) {
  const page = await context.newPage();
  page.on("pageerror", (error) => fail(`a script failed: ${error.stack}`));
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) fail(message.text());
  });
  await page.goto(address);
  return page;
}

export function fail(why) {
  console.error(why);
  process.exit(1);
}

export function expect(yes, why) {
  if (!yes) fail(`expected: ${why}`);
}

/** Waits until `read` gives what `is` likes. */
export async function until(read, is, what) {
  let last;
  for (let n = 0; n < 300; n++) {
    last = await read();
    if (is(last)) return last;
    await new Promise((later) => setTimeout(later, 100));
  }
  fail(`waited in vain for ${what}; last seen: ${JSON.stringify(last)}`);
}

export async function picture(page, folder, name) {
  if (!folder) return;
  await page.waitForTimeout(1200);
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** The number beside a choice of the sidebar. */
export const counted = (page, title) => async () => {
  const text = await page.locator(`[data-choice="${title}"] .count`).textContent();
  return Number(text?.replaceAll(",", ""));
};

export const spoken = (page) => () => page.locator("#live").textContent();
export const toasted = (page) => () => page.locator("#toast").textContent();

export async function finish(found) {
  console.log(JSON.stringify(found));
  await browser.close();
}
