import assert from "node:assert/strict";
import test from "node:test";
import { changedNames } from "../../frontend/scripts/core/changes.js";

const text = (name, value, defaultValue = "") => ({ name, type: "text", value, defaultValue });
const box = (name, checked, defaultChecked = false) => ({ name, type: "checkbox", checked, defaultChecked });
const select = (name, at, loaded) => ({
  name,
  type: "select-one",
  options: [0, 1, 2].map((i) => ({ selected: i === at, defaultSelected: i === loaded })),
});

test("what differs from what was loaded is changed", () => {
  const fields = [text("same", "a", "a"), text("other", "a", "b"), box("ticked", true), select("chosen", 2, 1)];
  assert.deepEqual(changedNames(fields), ["other", "ticked", "chosen"]);
});

test("a select that marks none as loaded starts with its first", () => {
  assert.deepEqual(changedNames([select("plain", 0, -1)]), []);
  assert.deepEqual(changedNames([select("plain", 1, -1)]), ["plain"]);
});

test("fields of one name count once, hidden and nameless ones not at all", () => {
  const hidden = { name: "token", type: "hidden", value: "a", defaultValue: "b" };
  const fields = [box("days", true), box("days", false, true), hidden, text("", "a", "b")];
  assert.deepEqual(changedNames(fields), ["days"]);
});
