const UNITS = [
  { word: "day", seconds: 86400, from: 86400, plural: true },
  { word: "h", seconds: 3600, from: 3600 },
  { word: "min", seconds: 60, from: 45 },
];
const WEEK_S = 7 * 86400;

/** Say how long ago something was, e.g. "3 h ago"; null beyond a week, where the date says more. As `ago` in render.py. */
export const relative = (seconds) => {
  const distance = Math.abs(seconds);
  if (distance > WEEK_S) return null;
  const unit = UNITS.find(({ from }) => distance >= from);
  if (!unit) return seconds >= 0 ? "just now" : "in a moment";
  const number = Math.max(1, Math.round(distance / unit.seconds));
  const said = `${number} ${unit.word}${unit.plural && number !== 1 ? "s" : ""}`;
  return seconds >= 0 ? `${said} ago` : `in ${said}`;
};
