import assert from "node:assert/strict";
import test from "node:test";
import { relative } from "../../frontend/scripts/core/relative.js";

test("times are said as the server says them", () => {
  const said = [10, 59, 90, 3540, 3600, 86399, 86400, 200000].map(relative);
  const expected = [
    "just now",
    "1 min ago",
    "2 min ago",
    "59 min ago",
    "1 h ago",
    "24 h ago",
    "1 day ago",
    "2 days ago",
  ];
  assert.deepEqual(said, expected);
});

test("what is ahead is said too", () => {
  assert.deepEqual([-10, -3600, -172800].map(relative), ["in a moment", "in 1 h", "in 2 days"]);
});

test("beyond a week the date stays", () => {
  assert.equal(relative(8 * 86400), null);
});
