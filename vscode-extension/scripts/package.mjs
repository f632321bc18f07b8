/**
 * Make the VSIX for this platform: the client in one file, and under bundled/ the server with all it needs, for each
 * version of Python that it supports. Packages that are Python alone are stored once, compiled ones as an archive for
 * each version, which `server/start.py` unpacks.
 *
 * KSCAN_PYTHON names the Python to work with, else it is the checkout's .venv, which .ci/install makes.
 */

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Parts of wheels that nothing imports, as folder and beginning of a name. Files are left out, and never changed. */
const LEFT_OUT = [
  ["", "bazel-project"], // in cel-expr-python's wheels by mistake
  ["cel_expr_python/ext", "ext_encoders"], // 7 MB of an extension of CEL that no control has
  ["cel_expr_python/ext", "ext_proto"], // and 4 MB of another
];

const extension = dirname(dirname(fileURLToPath(import.meta.url)));
const checkout = dirname(extension);
const bundled = join(extension, "bundled");
const lock = join(extension, "server", "requirements.txt");
const target = `${process.platform}-${process.arch}`;

/** The versions of Python that pyproject.toml allows, such as ["3.11", "3.12"]: the one place that names them. */
function pythons() {
  const project = readFileSync(join(checkout, "pyproject.toml"), "utf8");
  const [, first, end] = /^requires-python = ">=3\.(\d+),<3\.(\d+)"$/m.exec(project).map(Number);
  return Array.from({ length: end - first }, (_, i) => `3.${first + i}`);
}

function run(command, ...args) {
  execFileSync(command, args, { cwd: extension, stdio: ["ignore", "inherit", "inherit"] });
}

function python() {
  const own = process.platform === "win32" ? ".venv/Scripts/python.exe" : ".venv/bin/python";
  const venv = join(checkout, own);
  return process.env.KSCAN_PYTHON ?? (existsSync(venv) ? venv : "python3");
}

function pip(...args) {
  run(python(), "-m", "pip", "--quiet", "--disable-pip-version-check", ...args);
}

/** Unpack wheels side by side, which is what installing them means where no scripts are wanted. */
function unpack(wheels, folder) {
  for (const wheel of wheels) {
    run(python(), "-m", "zipfile", "-e", wheel, folder);
  }
  const data = readdirSync(folder).filter((name) => name.endsWith(".data"));
  for (const name of data) {
    rmSync(join(folder, name, "scripts"), { recursive: true, force: true });
  }
  const spread = data.filter((name) => readdirSync(join(folder, name)).length > 0);
  if (spread.length > 0) {
    throw new Error(`${spread.join(", ")}: wheels with files for other places are not expected here`);
  }
  for (const name of data) {
    rmSync(join(folder, name), { recursive: true });
  }
  for (const [inside, start] of LEFT_OUT) {
    const place = join(folder, inside);
    for (const name of existsSync(place) ? readdirSync(place).filter((name) => name.startsWith(start)) : []) {
      rmSync(join(place, name), { recursive: true });
    }
  }
}

/** Write down what the package consists of: the server's packages, and those that are in the client's one file. */
function describe() {
  const folder = join(bundled, "sboms");
  mkdirSync(folder);
  run(python(), "-W", "ignore", "-m", "cyclonedx_py", "requirements", lock, "--pyproject", join(checkout, "pyproject.toml"),
    "--output-reproducible", "--output-file", join(folder, "server.cdx.json"));
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const client = execFileSync(npm, ["sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only"],
    { cwd: extension, shell: process.platform === "win32" });
  writeFileSync(join(folder, "client.cdx.json"), client);
}

/** Fill bundled/ from wheels: those of the lock, whose hashes pip checks, and our own. */
function bundle() {
  const wheels = mkdtempSync(join(tmpdir(), "kscan-wheels-"));
  try {
    pip("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", wheels, checkout);
    for (const version of pythons()) {
      pip("download", "--require-hashes", "--only-binary=:all:", "--python-version", version, "--requirement", lock,
        "--dest", wheels);
    }
    const names = readdirSync(wheels);
    const all = (tag) => names.filter((name) => name.includes(tag)).map((name) => join(wheels, name));
    rmSync(bundled, { recursive: true, force: true });
    unpack(all("-none-any.whl"), join(bundled, "any"));
    const tags = pythons().map((version) => `cp${version.replace(".", "")}`);
    for (const tag of tags) {
      unpack(all(`-${tag}-`), join(bundled, tag));
    }
    run(python(), join(extension, "scripts", "archive.py"), ...tags.map((tag) => join(bundled, tag)));
    copyFileSync(join(extension, "server", "start.py"), join(bundled, "start.py"));
  } finally {
    rmSync(wheels, { recursive: true, force: true });
  }
}

bundle();
describe();
const vsix = join(extension, `kscan-${target}.vsix`);
// Everything the client needs is in its one file; links in the README hold in the VSIX as they are. Looking for
// secrets in compiled packages would take minutes.
run(process.execPath, join(extension, "node_modules/@vscode/vsce/vsce"), "package", "--no-dependencies",
  "--target", target, "--allow-missing-repository", "--no-rewrite-relative-links",
  "--allow-package-all-secrets", "--out", vsix);
console.log(`${vsix}: ${(statSync(vsix).size / 1e6).toFixed(1)} MB`);
