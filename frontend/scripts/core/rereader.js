/** A request without an answer for this long no longer holds back the next. */
const STUCK_AFTER_MS = 60000;

/** Decides when a list is read again: at once, then once in its interval at most, and never twice at a time. */
export class Rereader {
  /**
   * @param {object} clock `now()` in ms and `after(act, ms)`.
   * @param {(id: string) => number | null} interval How often to read a list, in ms; null where there is no such list.
   * @param {(id: string) => void} start Begins reading.
   */
  constructor(clock, interval, start) {
    this.clock = clock;
    this.interval = interval;
    this.start = start;
    this.lists = new Map();
  }

  /** Something in the list changed. */
  request(id) {
    const list = this._list(id);
    const busy = this.clock.now() - list.busySince < STUCK_AFTER_MS;
    if (list.resting || busy) {
      list.again = true;
      return;
    }
    list.again = false;
    const intervalMs = this.interval(id);
    if (intervalMs === null) return;
    list.busySince = this.clock.now();
    list.resting = true;
    this.clock.after(() => {
      list.resting = false;
      if (list.again) this.request(id);
    }, intervalMs);
    this.start(id);
  }

  /** Reading ended, well or badly. */
  finished(id) {
    const list = this.lists.get(id);
    if (!list) return;
    list.busySince = -Infinity;
    if (list.again) this.request(id);
  }

  _list(id) {
    if (!this.lists.has(id)) this.lists.set(id, { busySince: -Infinity, resting: false, again: false });
    return this.lists.get(id);
  }
}
