#!/bin/sh
# Builds what in mydia/web/static is not written by hand: the stylesheet, the icon sprite and the vendored scripts.
# Usage: sh frontend/build.sh [target folder]. Needs Node once; what it makes is committed, so that users need none.
set -eu
cd "$(dirname "$0")/.."
out=${1:-mydia/web/static}
[ -d node_modules ] || npm ci
mkdir -p "$out"
node_modules/.bin/tailwindcss -i frontend/app.css -o "$out/app.css.new" --minify
mv "$out/app.css.new" "$out/app.css"
node frontend/icons.mjs "$out/icons.svg"
node frontend/vendor.mjs "$out/vendor"
