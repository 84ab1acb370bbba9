// Scrolls through thousands of faces and says how long each frame of the screen took.
import { counted, expect, finish, link, open, picture, rest, until } from "./browser.mjs";

const [pictures] = rest;
const page = await open(link);
await page.locator("#wall").waitFor();
const faces = await until(counted(page, "Everybody"), (now) => now > 0, "faces");
await page.waitForTimeout(1500);
const firstPaint = await page.evaluate(
  () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
);

const { canvas, height } = await page.evaluate(() => {
  const wall = document.getElementById("wall");
  return { canvas: wall.querySelector("canvas").height, height: wall.clientHeight };
});
expect(canvas === height && height < 720, "a canvas no larger than the window");

const times = await page.evaluate(async () => {
  const wall = document.getElementById("wall");
  const times = [];
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  let before = await frame();
  for (let n = 0; n < 360; n++) {
    // fast: two rows a frame, down and up again
    wall.scrollTop += n < 240 ? 240 : -160;
    const now = await frame();
    times.push(now - before);
    before = now;
  }
  return times;
});
times.sort((a, b) => a - b);
const at = (part) => Math.round(times[Math.floor(part * (times.length - 1))] * 10) / 10;
await page.waitForTimeout(2500);
await picture(page, pictures, "crowd");

// how much of the middle of the wall is a picture and not the ground
const painted = await page.evaluate(() => {
  const canvas = document.querySelector("#wall canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 60, canvas.width, canvas.height - 120);
  let other = 0;
  for (let n = 0; n < data.length; n += 4) {
    const isGround = data[n] === data[n + 1] && data[n] === data[n + 2] && (data[n] === 38 || data[n] === 49);
    if (!isGround) other += 1;
  }
  return other / (data.length / 4);
});
const session = await page.context().newCDPSession(page);
await session.send("HeapProfiler.collectGarbage");
const { usedSize } = await session.send("Runtime.getHeapUsage");
await finish({
  faces,
  first_paint_ms: firstPaint && Math.round(firstPaint),
  frame_ms: { median: at(0.5), p95: at(0.95), p99: at(0.99), worst: at(1) },
  late_frames: times.filter((time) => time > 25).length,
  frames: times.length,
  elements: await page.evaluate(() => document.querySelectorAll("*").length),
  heap_mib: Math.round((usedSize / 2 ** 20) * 10) / 10,
  painted: Math.round(painted * 100) / 100,
});
