/*
 * Figures as a person reads them.
 */

export function count(value: number): string {
  return value.toLocaleString("en").replaceAll(",", "\u202f");
}

/** 12:34:56. */
export function time(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8);
}

/** "850 ms", "12 s", "3 min 5 s", "2 h 4 min", "3 d 4 h". */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const s = Math.floor(ms / 1_000);
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`;
}

export function bytes(value: number): string {
  if (value < 1_024) return `${value} B`;
  if (value < 1_048_576) return `${(value / 1_024).toFixed(1)} KB`;
  return `${(value / 1_048_576).toFixed(1)} MB`;
}

export function years(value: number): string {
  if (value >= 1_000) return "over 1\u202f000 years";
  return value >= 10 ? `${Math.round(value)} years` : `${value.toFixed(1)} years`;
}
