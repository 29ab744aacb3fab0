// The SDKs of Segment (Node, Python) and RudderStack (Python), unchanged from their registries, post to a real server.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Server } from "./server.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const quiet = { cwd: here, stdio: ["ignore", "inherit", "inherit"] };
let passed = 0;
let failed = 0;

async function check(name, body) {
  try {
    await body();
    passed++;
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED ${name}: ${error.stack ?? error}`);
  }
}

function equal(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: ${actual}, not ${expected}`);
}

function prepare() {
  if (!existsSync(join(here, "node_modules/@segment/analytics-node"))) {
    execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], quiet);
  }
  const python = join(here, "node_modules/.python/bin/python");
  if (!existsSync(python)) {
    execFileSync("python3", ["-m", "venv", join(here, "node_modules/.python")], quiet);
  }
  if (spawnSync(python, ["-c", "import segment.analytics, rudderstack.analytics"]).status !== 0) {
    execFileSync(python, ["-m", "pip", "install", "--quiet", "-r", "requirements.txt"], quiet);
  }
  return python;
}

async function segmentNode(server, writeKey, count) {
  const { Analytics } = await import("@segment/analytics-node");
  const analytics = new Analytics({ writeKey, host: server.url, path: "/v1/batch", maxRetries: 0, flushAt: 7 });
  const errors = [];
  analytics.on("error", (error) => errors.push(error));
  analytics.identify({ userId: "node-1", traits: { email: "node@example.com" } });
  for (let i = 0; i < count; i++) analytics.track({ userId: "node-1", event: "node event", properties: { i } });
  await analytics.closeAndFlush();
  return errors.length;
}

const python = prepare();
const server = await Server.start();
const pythonClient = (which, key) =>
  spawnSync(python, [join(here, "python_client.py"), which, server.url, key, "120"], { encoding: "utf8", timeout: 60_000 });

await check("Segment for Node delivers every event", async () => {
  equal(await segmentNode(server, server.writeKey, 50), 0, "errors");
  equal(await server.count("node event", 50), 50, "events");
});
await check("Segment for Node reports a wrong key and does not hang", async () => {
  const errors = await segmentNode(server, "wrong", 3);
  if (errors === 0) throw new Error("no error was reported");
});
for (const which of ["segment", "rudder"]) {
  await check(`${which} for Python delivers every event`, async () => {
    const run = pythonClient(which, server.writeKey);
    equal(run.status, 0, `exit of the client (${run.stdout}${run.stderr})`);
    equal(await server.count(`${which} event`, 120), 120, "events");
  });
  await check(`${which} for Python: traits made a profile that can be found`, async () => {
    // Names are in lists a second after the event.
    const until = Date.now() + 10_000;
    let rows = [];
    while (rows.length === 0 && Date.now() < until) {
      ({ rows } = await server.get(`/api/v1/customers?search=${which}%40example.com`));
      if (rows.length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    equal(rows.length, 1, "customers found by e-mail");
  });
}
await check("RudderStack for Python gives up at once on a wrong key", async () => {
  const started = Date.now();
  const run = pythonClient("rudder", "wrong");
  equal(run.status, 1, "exit of the client");
  if (Date.now() - started > 30_000) throw new Error("it kept retrying");
});

await server.stop();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
