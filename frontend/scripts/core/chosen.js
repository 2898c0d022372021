// What is selected, apart from the checkboxes: parts of a long grid come and go.
/** Ids, or everything the filter matches with exceptions. */
export class Chosen {
  constructor() {
    this.clear();
  }

  clear() {
    this.ids = new Set();
    this.except = new Set();
    this.all = false;
    this.active = false;
    this.last = null;
  }

  has(id) {
    return this.all ? !this.except.has(id) : this.ids.has(id);
  }

  set(id, selected) {
    if (this.all) this.except[selected ? "delete" : "add"](id);
    else this.ids[selected ? "add" : "delete"](id);
  }

  chooseAll() {
    this.all = true;
    this.except.clear();
  }

  /** How many of `total` are selected. */
  count(total) {
    return this.all ? total - this.except.size : this.ids.size;
  }

  /** Whether there is anything to clear. */
  get open() {
    return this.active || this.all || this.ids.size > 0;
  }

  /** The ids from the last one clicked to this one, in the order shown; only this one without a last. */
  range(order, id) {
    const at = order.indexOf(id);
    const from = order.indexOf(this.last);
    return from < 0 ? [id] : order.slice(Math.min(at, from), Math.max(at, from) + 1);
  }

  /** Form fields of a request about the selection; the page's query says what the filter is. */
  fields(query) {
    if (!this.all)
      return [
        ["scope", "ids"],
        ["ids", [...this.ids].join(",")],
      ];
    return [["scope", "filter"], ["except", [...this.except].join(",")], ...new URLSearchParams(query)];
  }
}
