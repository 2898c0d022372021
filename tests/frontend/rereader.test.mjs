import assert from "node:assert/strict";
import test from "node:test";
import { Rereader } from "../../frontend/scripts/core/rereader.js";

/** A clock that is moved by hand. */
class Clock {
  time = 0;
  waiting = [];
  now = () => this.time;
  after = (act, ms) => this.waiting.push({ at: this.time + ms, act });
  pass(ms) {
    this.time += ms;
    const due = this.waiting.filter(({ at }) => at <= this.time);
    this.waiting = this.waiting.filter(({ at }) => at > this.time);
    for (const { act } of due) act();
  }
}

const reading = (intervalMs = 1000) => {
  const clock = new Clock();
  const started = [];
  const rereader = new Rereader(
    clock,
    () => intervalMs,
    (id) => started.push(id),
  );
  return { clock, started, rereader };
};

test("the first change reads at once, a burst reads once more after the interval", () => {
  const { clock, started, rereader } = reading();
  for (let i = 0; i < 5; i++) rereader.request("queue");
  assert.equal(started.length, 1);
  rereader.finished("queue");
  assert.equal(started.length, 1);
  clock.pass(1000);
  assert.equal(started.length, 2);
  rereader.finished("queue");
  clock.pass(5000);
  assert.equal(started.length, 2);
});

test("a change during a slow answer is read when the answer is there", () => {
  const { clock, started, rereader } = reading();
  rereader.request("queue");
  clock.pass(3000);
  rereader.request("queue");
  assert.equal(started.length, 1);
  rereader.finished("queue");
  assert.equal(started.length, 2);
});

test("an answer that never comes holds nothing back for more than a minute", () => {
  const { clock, started, rereader } = reading();
  rereader.request("queue");
  clock.pass(60000);
  rereader.request("queue");
  assert.equal(started.length, 2);
});

test("a list that left the page is not read, and one list does not hold back another", () => {
  const { started, rereader } = reading();
  rereader.request("queue");
  rereader.request("history");
  assert.deepEqual(started, ["queue", "history"]);
  const gone = reading(null);
  gone.rereader.request("queue");
  assert.equal(gone.started.length, 0);
});
