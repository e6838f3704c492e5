// Bundles the map of reports into the Python package: `npm ci && npm run build`, or `make viewer`.
import {createHash} from "node:crypto";
import {readFileSync, writeFileSync} from "node:fs";
import {build} from "esbuild";

const OUT = "../fctl_geo/report/viewer.min.js";
const SOURCES = ["viewer.js", "paint.js", "package-lock.json"];

// A test compares this with the sources, so that the bundle cannot be forgotten.
const hash = createHash("sha256");
for (const name of SOURCES) {
  hash.update(readFileSync(name));
}
const licenses = [
  ["OpenLayers", "ol", "LICENSE.md"],
  ["rbush", "rbush", "LICENSE"],
  ["quickselect", "quickselect", "LICENSE"],
].map(([title, folder, file]) => `${title}\n\n${readFileSync(`node_modules/${folder}/${file}`, "utf8").trim()}`);

const {outputFiles} = await build({
  entryPoints: ["viewer.js"],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2020",
  legalComments: "none",
  write: false,
});
const comment = [`sources ${hash.digest("hex")}`, ...licenses].join("\n\n").replaceAll("*/", "* /");
const code = outputFiles[0].text.trim().replaceAll("</script", "<\\/script");
writeFileSync(OUT, `/*! ${comment} */\n${code}\n`);
console.log(`${OUT}: ${Math.round(code.length / 1000)} kB`);
