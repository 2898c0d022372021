#!/bin/sh
# Build the generated files in mydia/web/static: stylesheet, scripts, icon sprite, vendored scripts.
# Usage: sh frontend/build.sh [target folder]. Needs Node; the result is committed, so users need none.
set -eu
cd "$(dirname "$0")/.."
out=${1:-mydia/web/static}
for tool in tailwindcss esbuild; do
  [ -x "node_modules/.bin/$tool" ] || { npm ci && break; }
done
mkdir -p "$out"
node_modules/.bin/tailwindcss -i frontend/app.css -o "$out/app.css.new" --minify
mv "$out/app.css.new" "$out/app.css"
node_modules/.bin/esbuild frontend/scripts/*.js --bundle --minify --format=iife --target=es2022 --charset=utf8 \
  --log-level=warning --outdir="$out"
node frontend/icons.mjs "$out/icons.svg"
node frontend/vendor.mjs "$out"
