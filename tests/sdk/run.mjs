// The SDKs of Segment (Node, Python) and RudderStack (Python), unchanged from their registries, post to a real server; OpenFeature's asks it for flags,
// Square's for loyalty.
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
  if (!existsSync(join(here, "node_modules/@segment/analytics-node")) || !existsSync(join(here, "node_modules/@openfeature/ofrep-provider")) || !existsSync(join(here, "node_modules/square"))) {
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

await check("OpenFeature's SDK gets flags of every type, keeps a person's variant, and falls back to its own default", async () => {
  const { OpenFeature } = await import("@openfeature/server-sdk");
  const { OFREPProvider } = await import("@openfeature/ofrep-provider");
  const made = async (key, value, other) => {
    const variants = [{ key: "old", weight: 1, value: other, is_control: true }, { key: "new", weight: 1, value }];
    const design = { name: key, kind: "experiment", unit: "anonymous", variants, primary: { key: "conversion", name: "buyers" } };
    await server.write("/api/v1/experiments", { key, design });
    await server.write(`/api/v1/experiments/${key}/act`, { act: "start", version: 1 });
  };
  await made("text", "At your door tomorrow", "Check out");
  await made("switch", true, false);
  await made("number", 7.5, 1);
  await made("object", { colour: "green" }, { colour: "grey" });
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: server.url, headers: [["Authorization", `Bearer ${server.writeKey}`]] }));
  const client = OpenFeature.getClient();
  const seen = new Set();
  for (let device = 0; device < 30; device++) {
    const context = { targetingKey: `device-${device}` };
    const found = await client.getStringDetails("text", "default", context);
    if (found.errorCode) throw new Error(`${found.errorCode}: ${found.errorMessage}`);
    equal(found.reason, "SPLIT", "reason");
    equal(found.value, found.variant === "new" ? "At your door tomorrow" : "Check out", "value");
    equal((await client.getStringDetails("text", "default", context)).variant, found.variant, "the same again");
    seen.add(found.variant);
  }
  equal([...seen].sort().join(), "new,old", "variants");
  const context = { targetingKey: "device-1" };
  const on = await client.getBooleanDetails("switch", false, context);
  equal(on.value, on.variant === "new", "switch");
  equal([7.5, 1].includes(await client.getNumberValue("number", 0, context)), true, "number");
  equal(["green", "grey"].includes((await client.getObjectValue("object", {}, context)).colour), true, "object");
  const missing = await client.getStringDetails("nothing", "default", context);
  equal(`${missing.value} ${missing.errorCode}`, "default FLAG_NOT_FOUND", "a flag that is not there");
  const nobody = await client.getStringDetails("text", "default", {});
  equal(`${nobody.value} ${nobody.errorCode}`, "default TARGETING_KEY_MISSING", "nobody");
  // What was answered is an exposure, once for each device.
  for (let tries = 0; ; tries++) {
    const { summary } = await server.get("/api/v1/experiments/text");
    const exposed = summary.variants.reduce((sum, it) => sum + it.exposed, 0);
    if (exposed === 30) break;
    if (tries === 100) throw new Error(`${exposed} exposures, not 30`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await OpenFeature.close();
});

await check("Square's SDK enrols, gives points, locks and redeems rewards, reads every event, and tells its own kinds of errors", async () => {
  const { SquareClient, SquareError } = await import("square");
  const program = { name: "Club", zone: "UTC", currency: "EUR", wallets: [{ key: "points", name: "Beans" }] };
  await server.write("/api/v1/loyalty/program", { version: 0, program }, "PUT");
  const coffee = { name: "Coffee", gives: { kind: "code" }, prices: [{ points: 10 }] };
  await server.write("/api/v1/loyalty/rewards/coffee", { version: 0, state: "live", reward: coffee }, "PUT");
  const { loyalty } = new SquareClient({ baseUrl: `${server.url}/square`, token: server.bothKey, maxRetries: 2 });
  const phoneNumber = "+4915112345678";
  const { program: shown } = await loyalty.programs.get({ programId: "main" });
  equal(`${shown.status} ${shown.rewardTiers[0].id} ${shown.rewardTiers[0].points}`, "ACTIVE coffee 10", "programme");
  const made = await loyalty.accounts.create({ loyaltyAccount: { programId: "main", mapping: { phoneNumber } }, idempotencyKey: "account 1" });
  const accountId = made.loyaltyAccount.id;
  const found = await loyalty.accounts.search({ query: { mappings: [{ phoneNumber }] } });
  equal(found.loyaltyAccounts.map((it) => it.id).join(), accountId, "found by number");
  const give = (points) => loyalty.accounts.accumulatePoints({ accountId, accumulatePoints: { points }, idempotencyKey: "points 1", locationId: "mitte" });
  const { events } = await give(25);
  equal(events[0].accumulatePoints.points, 25, "points");
  equal((await give(25)).events[0].id, events[0].id, "the same again");
  const refusal = async (code, body) => {
    try {
      await body();
    } catch (error) {
      if (!(error instanceof SquareError)) throw error;
      return equal(error.errors[0].code, code, "code");
    }
    throw new Error(`${code} was expected`);
  };
  await refusal("IDEMPOTENCY_KEY_REUSED", () => give(26));
  await refusal("NOT_FOUND", () => loyalty.accounts.get({ accountId: "4711000" }));
  const want = (key) => loyalty.rewards.create({ reward: { loyaltyAccountId: accountId, rewardTierId: "coffee" }, idempotencyKey: key });
  const balance = async () => (await loyalty.accounts.get({ accountId })).loyaltyAccount.balance;
  const { reward } = await want("reward 1");
  equal(`${reward.status} ${await balance()}`, "ISSUED 15", "locked");
  await loyalty.rewards.delete({ rewardId: reward.id });
  equal(await balance(), 25, "deleted");
  const { reward: second } = await want("reward 2");
  const redeem = (key) => loyalty.rewards.redeem({ rewardId: second.id, idempotencyKey: key, locationId: "mitte" });
  equal((await redeem("redeem 1")).event.redeemReward.rewardId, second.id, "redeemed");
  await refusal("BAD_REQUEST", () => redeem("redeem 2"));
  equal((await loyalty.rewards.get({ rewardId: second.id })).reward.status, "REDEEMED", "status");
  const adjusted = await loyalty.accounts.adjust({ accountId, idempotencyKey: "adjust 1", adjustPoints: { points: -20, reason: "Counted wrong" }, allowNegativeBalance: true });
  equal(`${adjusted.event.adjustPoints.points} ${await balance()}`, "-20 -5", "adjusted");
  const seen = [];
  let cursor;
  do {
    const page = await loyalty.searchEvents({ query: { filter: { loyaltyAccountFilter: { loyaltyAccountId: accountId } } }, limit: 2, cursor });
    seen.push(...page.events.map((it) => it.type));
    cursor = page.cursor;
  } while (cursor);
  equal(seen.sort().join(), "ACCUMULATE_POINTS,ADJUST_POINTS,CREATE_REWARD,CREATE_REWARD,DELETE_REWARD,REDEEM_REWARD", "events");
  equal((await loyalty.rewards.search({ query: { loyaltyAccountId: accountId, status: "DELETED" } })).rewards.length, 1, "deleted rewards");
  const dry = await loyalty.programs.calculate({ programId: "main", transactionAmountMoney: { amount: 10500n, currency: "EUR" } });
  equal(dry.points, 0, "no rule, no points");
});

await server.stop();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
