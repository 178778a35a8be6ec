// Starts the emulator for a file of tests, and ends it.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";

export const [KEY, SECRET, ZONE] = ["sdk-key", "sdk-secret", "sites.example"];

/** Returns what the emulator prints of itself, by name. */
export async function emulated() {
  const settings = {};
  const folder = await mkdtemp(join(tmpdir(), "miaobu-emulator-"));
  const services = ["console", "oss", "esa", "alidns", "fc", "functions", "sts", "edge", "staging"];
  const ports = services.map((service) => `--${service}-port=0`);
  const keys = ["--access-key-id", KEY, "--access-key-secret", SECRET, "--kv-staleness=0"];
  const emulator = spawn(process.env.MIAOBU_EMULATOR, ["--folder", folder, ...ports, ...keys], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: emulator.stdout })) {
    if (line.startsWith("#")) {
      settings.CONSOLE = line.slice(line.indexOf("http"));
      break;
    }
    const [name, value] = line.split("=");
    settings[name] = value;
  }
  after(async () => {
    emulator.kill("SIGKILL");
    await new Promise((resolve) => emulator.once("close", resolve));
    await rm(folder, { recursive: true });
  });
  return settings;
}

/** What a visitor of `edge` reads under a host. */
export const visit = (edge, host) =>
  new Promise((resolve, reject) => {
    get(edge, { headers: { host } }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk)).on("end", () => resolve(text));
    }).on("error", reject);
  });
