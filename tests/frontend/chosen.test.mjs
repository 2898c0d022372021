import assert from "node:assert/strict";
import test from "node:test";
import { Chosen } from "../../frontend/scripts/core/chosen.js";

const fields = (chosen, query) => Object.fromEntries(chosen.fields(query));

test("a few ids are sent as they are", () => {
  const chosen = new Chosen();
  chosen.set("a", true);
  chosen.set("b", true);
  chosen.set("a", false);
  assert.deepEqual(fields(chosen, "?state=missing"), { scope: "ids", ids: "b" });
  assert.equal(chosen.count(10), 1);
});

test("all that a filter matches is sent as the filter, with exceptions", () => {
  const chosen = new Chosen();
  chosen.chooseAll();
  chosen.set("c", false);
  assert.deepEqual(fields(chosen, "?state=missing"), { scope: "filter", except: "c", state: "missing" });
  assert.equal(chosen.count(10), 9);
  assert.equal(chosen.has("c"), false);
  assert.equal(chosen.has("never shown"), true);
});

test("shift selects from the last one clicked, in either direction", () => {
  const chosen = new Chosen();
  assert.deepEqual(chosen.range(["a", "b", "c", "d"], "c"), ["c"]);
  chosen.last = "d";
  assert.deepEqual(chosen.range(["a", "b", "c", "d"], "b"), ["b", "c", "d"]);
  chosen.last = "a";
  assert.deepEqual(chosen.range(["a", "b", "c", "d"], "b"), ["a", "b"]);
});

test("a cleared selection has nothing to clear", () => {
  const chosen = new Chosen();
  chosen.active = true;
  assert.equal(chosen.open, true);
  chosen.clear();
  assert.equal(chosen.open, false);
});
