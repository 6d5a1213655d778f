/** A plot of counts per second over minutes, one line a series, logarithmic, as SVG. */
export function plot(title: string, series: Readonly<Record<string, readonly number[]>>): string {
  const width = 900;
  const height = 360;
  const left = 60;
  const bottom = 40;
  const seconds = Math.max(...Object.values(series).map(({ length }) => length));
  const most = Math.max(...Object.values(series).flat(), 10);
  const x = (second: number): number => left + ((width - left - 20) * second) / seconds;
  const y = (count: number): number =>
    height - bottom - ((height - bottom - 50) * Math.log10(count + 1)) / Math.log10(most + 1);
  const colours = ["#0b6e4f", "#c1440e"];
  const lines = Object.entries(series).map(([name, counts], i) => {
    const points = counts.map((count, second) => `${x(second).toFixed(1)},${y(count).toFixed(1)}`).join(" ");
    const label = `<text x="${left + 120 * i}" y="42" fill="${colours[i]}">${name}</text>`;
    return `<polyline points="${points}" fill="none" stroke="${colours[i]}" stroke-width="1"/>${label}`;
  });
  const ticks = [0, 1, 10, 100, 1000, 10_000].filter((count) => count <= most);
  const scale = ticks.map(
    (count) =>
      `<text x="8" y="${y(count) + 4}">${count}</text><path d="M${left} ${y(count)}H${width - 20}" stroke="#ddd"/>`,
  );
  const minutes = Array.from({ length: Math.floor(seconds / 60) + 1 }, (_, minute) => minute);
  const axis = minutes.map((minute) => `<text x="${x(minute * 60) - 4}" y="${height - 15}">${minute}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">
<title>${title}: connection attempts a second</title>
<rect width="100%" height="100%" fill="white"/><text x="${left}" y="24" font-size="15">${title}: connection attempts a second, by minute</text>
${scale.join("")}${axis.join("")}${lines.join("\n")}
</svg>
`;
}
