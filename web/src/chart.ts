// Losses over iterations: one colour a person, held-out faces dashed, the loss by its logarithm.

import type { Training } from "./api.ts";

export const CHART_COLOURS = ["#7fb3e6", "#e6a86a", "#8fce9b", "#d08fd0", "#d6d36f"];

const LEFT = 52;
const BOTTOM = 24;

export function drawChart(canvas: HTMLCanvasElement, training: Training): void {
  const density = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = width * density;
  canvas.height = height * density;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(density, density);
  const values = training.curves
    .flatMap(({ loss, held_out }) => [...loss, ...held_out])
    .filter((v): v is number => v !== null && v > 0);
  if (values.length === 0) return;
  const [low, high] = [Math.min(...values) / 1.1, Math.max(...values) * 1.1];
  const last = Math.max(1, ...training.curves.map(({ iteration }) => iteration.at(-1) ?? 0));
  const x = (iteration: number) => LEFT + ((width - LEFT - 10) * iteration) / last;
  const y = (loss: number) =>
    8 + ((height - BOTTOM - 8) * (Math.log(high) - Math.log(loss))) / (Math.log(high) - Math.log(low));

  context.font = "11px system-ui, sans-serif";
  context.fillStyle = "#9a9a9a";
  context.strokeStyle = "#383838";
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let n = 0; n <= 4; n++) {
    const loss = Math.exp(Math.log(low) + ((Math.log(high) - Math.log(low)) * n) / 4);
    context.beginPath();
    context.moveTo(LEFT, y(loss));
    context.lineTo(width - 10, y(loss));
    context.stroke();
    context.fillText(loss.toPrecision(2), LEFT - 8, y(loss));
  }
  context.textBaseline = "top";
  for (let n = 0; n <= 4; n++) {
    context.textAlign = n === 0 ? "left" : n === 4 ? "right" : "center";
    context.fillText(Math.round((last * n) / 4).toLocaleString("en"), x((last * n) / 4), height - BOTTOM + 8);
  }
  training.curves.forEach(({ iteration, loss, held_out }, person) => {
    context.strokeStyle = CHART_COLOURS[person % CHART_COLOURS.length] ?? "#fff";
    for (const [line, dashes] of [[loss, []], [held_out, [5, 4]]] as [(number | null)[], number[]][]) {
      context.setLineDash(dashes);
      context.lineWidth = dashes.length > 0 ? 1.25 : 1.75;
      context.beginPath();
      let isFirst = true;
      line.forEach((value, at) => {
        if (value === null) return;
        const place: [number, number] = [x(iteration[at] ?? 0), y(value)];
        if (isFirst) context.moveTo(...place);
        else context.lineTo(...place);
        isFirst = false;
      });
      context.stroke();
      const last = line.at(-1);
      if (line.length === 1 && last) {
        // a line of one point is not seen
        context.fillStyle = context.strokeStyle;
        context.fillRect(x(iteration[0] ?? 0) - 3, y(last) - 3, 6, 6);
      }
    }
  });
  context.setLineDash([]);
}
