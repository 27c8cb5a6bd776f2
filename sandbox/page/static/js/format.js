const DAY = 86_400_000;
const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const secondsFormat = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const dayFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const relativeFormat = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** Show a Unix time (seconds) as HH:MM where the viewer is. */
export const clock = (seconds) => clockFormat.format(seconds * 1000);

/** Show a Unix time (seconds) as HH:MM:SS where the viewer is. */
export const clockWithSeconds = (seconds) => secondsFormat.format(seconds * 1000);

/** Show a Unix time (seconds) in full, for a tooltip. */
export const fullTime = (seconds) => fullFormat.format(seconds * 1000);

/** Name the day of a Unix time (seconds): Today, Yesterday, or day and month. */
export function dayLabel(seconds) {
  const midnight = (ms) => new Date(ms).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(Date.now()) - midnight(seconds * 1000)) / DAY);
  if (days === 0) return "Today";
  return days === 1 ? "Yesterday" : dayFormat.format(seconds * 1000);
}

/** Show the clock for today and the day for anything older, as a chat list does. */
export function listTime(seconds) {
  return dayLabel(seconds) === "Today" ? clock(seconds) : dayLabel(seconds);
}

/** Show a span of seconds with its two largest units. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const units = [["d", 86_400], ["h", 3_600], ["m", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return "0 s";
  const parts = units.slice(first, first + 2).map(([name, size], index) => {
    const value = index === 0 ? Math.floor(whole / size) : Math.floor((whole % units[first][1]) / size);
    return value || index === 0 ? `${value} ${name}` : "";
  });
  return parts.filter(Boolean).join(" ");
}

/** Show a decimal that came as text or number with thousands separated and its own decimals kept. */
export function decimal(value) {
  if (value === null || value === undefined || value === "") return "–";
  const [whole, fraction] = String(value).replace("-", "−").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** Show a file's size in the unit a person would say. */
export function fileSize(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1_048_576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1_048_576).toFixed(1)} MB`;
}

function relative(seconds) {
  const ahead = seconds - Date.now() / 1000;
  const size = Math.abs(ahead);
  if (size < 60) return relativeFormat.format(Math.round(ahead), "second");
  if (size < 3_600) return relativeFormat.format(Math.round(ahead / 60), "minute");
  if (size < 86_400) return relativeFormat.format(Math.round(ahead / 3_600), "hour");
  return relativeFormat.format(Math.round(ahead / 86_400), "day");
}

/**
 * Show a date_time entity in the viewer's zone. The format is Telegram's: `r` alone for relative time, else any of
 * `w` (weekday), `d` or `D` (short or long date) and `t` or `T` (short or long time). Null when there is no format,
 * where the sender's own words stay.
 */
export function entityTime(seconds, format) {
  if (!format) return null;
  if (format === "r") return relative(seconds);
  const options = { hourCycle: "h23" };
  if (format.includes("w")) options.weekday = "long";
  if (format.includes("d")) Object.assign(options, { day: "2-digit", month: "2-digit", year: "2-digit" });
  if (format.includes("D")) Object.assign(options, { day: "numeric", month: "long", year: "numeric" });
  if (/[tT]/.test(format)) Object.assign(options, { hour: "2-digit", minute: "2-digit" });
  if (format.includes("T")) options.second = "2-digit";
  return new Intl.DateTimeFormat(undefined, options).format(seconds * 1000);
}
