/* A plot of the life in months over the minutes between two reports, one line an interval, as SVG. Both axes are logarithmic. */
export interface Line {
  readonly says: string;
  readonly points: readonly (readonly [minutes: number, months: number])[];
}

const WIDTH = 760;
const HEIGHT = 400;
const LEFT = 60;
const RIGHT = 150;
const TOP = 50;
const BOTTOM = 50;
const COLOURS = ["#0b6e4f", "#c1440e", "#2b4c9b", "#7a5195"];
const X_TICKS: readonly (readonly [minutes: number, label: string])[] = [
  [1, "1 min"],
  [5, "5 min"],
  [15, "15 min"],
  [60, "1 h"],
  [360, "6 h"],
  [1440, "1 day"],
];
const Y_TICKS = [0.1, 0.3, 1, 3, 6, 12, 24, 36, 60, 120];

/** `here`: the point that was asked for. */
export function plot(title: string, lines: readonly Line[], here: readonly [minutes: number, months: number]): string {
  const all = [...lines.flatMap(({ points }) => points), here];
  const [minX, maxX] = limits(all.map(([minutes]) => minutes));
  const [minY, maxY] = limits(all.map(([, months]) => months));
  const x = (minutes: number): number => LEFT + (WIDTH - LEFT - RIGHT) * part(minutes, minX, maxX);
  const y = (months: number): number => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part(months, minY, maxY);
  const at = ([minutes, months]: readonly [number, number]): string =>
    `${x(minutes).toFixed(1)},${y(months).toFixed(1)}`;
  const drawn = lines.map(({ says, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const [lastX, lastY] = at(points[points.length - 1]).split(",");
    const label = `<text x="${Number(lastX) + 6}" y="${Number(lastY) + 4}" fill="${colour}">${says}</text>`;
    return `<polyline points="${points.map(at).join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>${label}`;
  });
  const across = Y_TICKS.filter((months) => months >= minY && months <= maxY).map(
    (months) =>
      `<path d="M${LEFT} ${y(months).toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd"/><text x="${LEFT - 8}" y="${(y(months) + 4).toFixed(1)}" text-anchor="end">${months}</text>`,
  );
  const down = X_TICKS.filter(([minutes]) => minutes >= minX && minutes <= maxX).map(
    ([minutes, label]) => `<text x="${x(minutes).toFixed(1)}" y="${HEIGHT - 28}" text-anchor="middle">${label}</text>`,
  );
  const [dotX, dotY] = at(here).split(",");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">
<title>${title}</title>
<rect width="100%" height="100%" fill="white"/><text x="${LEFT}" y="20" font-size="15">${title}</text>
<text x="${LEFT}" y="38">months by the model, not measured, over the time between two reports</text>
${across.join("\n")}
${down.join("\n")}
${drawn.join("\n")}
<circle cx="${dotX}" cy="${dotY}" r="5" fill="none" stroke="black" stroke-width="2"/>
</svg>
`;
}

function limits(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** Where a value lies between two others on a logarithmic scale, 0 to 1. */
function part(value: number, min: number, max: number): number {
  return max > min ? Math.log(value / min) / Math.log(max / min) : 0.5;
}
