// Starts a real server on a free port with a fresh data folder, and asks it questions over HTTP.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binary = process.env.RAPPORT_BINARY ?? "target/debug/rapport";

export class Server {
  static async start() {
    const server = new Server();
    server.data = mkdtempSync(join(tmpdir(), "rapport-sdk-"));
    server.writeKey = server.cli("key", "create", "--source", "SDK tests").trim();
    server.apiKey = server.cli("key", "create", "--api", "--scope", "read").trim();
    server.writingKey = server.cli("key", "create", "--api", "--scope", "write").trim();
    server.bothKey = server.cli("key", "create", "--api", "--scope", "read", "--scope", "write").trim();
    server.child = spawn(binary, ["serve", "--data", server.data, "--listen", "127.0.0.1:0"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    server.url = await new Promise((resolve, reject) => {
      let output = "";
      server.child.stdout.on("data", (chunk) => {
        output += chunk;
        const address = output.match(/http:\/\/127\.0\.0\.1:\d+/);
        if (address) resolve(address[0]);
      });
      server.child.on("exit", () => reject(new Error(`the server stopped: ${output}`)));
    });
    return server;
  }

  cli(...args) {
    return execFileSync(binary, [...args, "--data", this.data], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  }

  async get(path) {
    const answer = await fetch(this.url + path, { headers: { authorization: `Bearer ${this.apiKey}` } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  async write(path, body, method = "POST") {
    const headers = { authorization: `Bearer ${this.writingKey}`, "content-type": "application/json" };
    const answer = await fetch(this.url + path, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  // Waits until the catalog of events counts `expected` events of this name: acknowledged is visible soon after.
  async count(name, expected) {
    for (let tries = 0; ; tries++) {
      const { rows } = await this.get("/api/v1/events");
      const count = rows.find((row) => row.name === name)?.count ?? 0;
      if (count === expected || tries === 100) return count;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async stop() {
    this.child.removeAllListeners("exit");
    const gone = new Promise((resolve) => this.child.on("exit", resolve));
    this.child.kill("SIGTERM");
    await gone;
    rmSync(this.data, { recursive: true, force: true });
  }
}
