// The emulated edge, as the vendor's library for Node meets it.

import assert from "node:assert/strict";
import { test } from "node:test";
import EsaModule, * as esa from "@alicloud/esa20240910";
import { $OpenApiUtil } from "@alicloud/openapi-core";
import { KEY, SECRET, ZONE, emulated, visit } from "./emulated.mjs";

const settings = await emulated();
const namespace = "routes";

function client(more) {
  const config = new $OpenApiUtil.Config({
    accessKeyId: KEY,
    accessKeySecret: SECRET,
    endpoint: settings.ESA_ENDPOINT.replace("http://", ""),
    protocol: "http",
    ...more,
  });
  return new EsaModule.default(config);
}

/** Calls an action with what it is given, and returns the body of its answer. */
async function call(action, given = {}, more) {
  const request = new esa[`${action[0].toUpperCase()}${action.slice(1)}Request`](given);
  return (await client(more)[action](request)).body;
}

/** The form that code is uploaded with, by hand: the library has no words for it. */
async function upload({ Url, ...fields }, code) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", code);
  assert.equal((await fetch(Url, { method: "POST", body: form })).status, 200);
}

test("values are stored, read, listed and deleted", async () => {
  await call("createKvNamespace", { namespace, description: "of sites" });
  await assert.rejects(call("createKvNamespace", { namespace }), { code: "InvalidNameSpace.Duplicate" });
  await call("putKv", { namespace, key: "app.example.com", value: '{"a":"é&+ "}' });
  assert.equal((await call("getKv", { namespace, key: "app.example.com" })).value, '{"a":"é&+ "}');
  const kvList = [1, 2, 3].map((number) => new esa.BatchPutKvRequestKvList({ key: `many-${number}`, value: "1" }));
  assert.equal((await call("batchPutKv", { namespace, kvList })).successKeys.length, 3);
  assert.equal((await call("listKvs", { namespace, prefix: "many-" })).totalCount, 3);
  const keys = ["many-1", "many-2"];
  assert.deepEqual((await call("batchDeleteKv", { namespace, keys })).successKeys, keys);
  await call("deleteKv", { namespace, key: "many-3" });
  await assert.rejects(call("getKv", { namespace, key: "many-3" }), { code: "InvalidKey.NotFound" });
  await assert.rejects(call("putKv", { namespace, key: "a b", value: "1" }), { code: "InvalidKey.Malformed" });
});

test("a custom hostname goes from pending to active", async () => {
  const [site] = (await call("listSites", { siteName: ZONE })).sites;
  const siteId = site.siteId;
  const record = { siteId, recordName: `origin.${ZONE}`, type: "CNAME", ttl: 1, proxied: true, bizName: "web" };
  const data = new esa.CreateRecordRequestData({ value: "bucket.oss.example" });
  const { recordId } = await call("createRecord", { ...record, data });
  const hostname = "www.node.example";
  const { hostnameId } = await call("createCustomHostname", { siteId, hostname, recordId, sslFlag: "on", certType: "free" });
  const model = async () => (await call("getCustomHostname", { hostnameId })).customHostnameModel;
  assert.equal((await model()).status, "pending");
  assert.equal((await call("verifyCustomHostname", { hostnameId })).passed, false);
  await fetch(`${settings.CONSOLE}/prove?hostname=${hostname}`, { method: "POST" });
  assert.equal((await call("verifyCustomHostname", { hostnameId })).passed, true);
  assert.equal((await model()).status, "active");
  assert.deepEqual((await call("listCustomHostnames", { siteId })).hostnames.map((found) => found.hostname), [hostname]);
  await call("deleteCustomHostname", { hostnameId });
  await assert.rejects(call("getCustomHostname", { hostnameId }), { code: "CustomHostname.NotFound" });
  const content = new esa.PurgeCachesRequestContent({ hostnames: [hostname] });
  const { taskId } = await call("purgeCaches", { siteId, type: "hostname", content });
  assert.equal((await call("describePurgeTasks", { siteId })).tasks[0].taskId, taskId);
});

test("a routine is uploaded, committed, published and shared out", async () => {
  const name = "node-edge";
  const code = (text) => `export default { fetch: () => new Response(${JSON.stringify(text)}) };`;
  await call("createRoutine", { name, description: "of a test" });
  await assert.rejects(call("createRoutine", { name }), { code: "RoutineAlreadyExist" });
  const commit = async (text) => {
    await upload((await call("getRoutineStagingCodeUploadInfo", { name })).ossPostConfig, code(text));
    return (await call("commitRoutineStagingCode", { name, codeDescription: text })).codeVersion;
  };
  const [first, second] = [await commit("one"), await commit("two")];
  const [site] = (await call("listSites", { siteName: ZONE })).sites;
  const rule = `(http.host eq "node.${ZONE}")`;
  const route = { siteId: site.siteId, routineName: name, routeName: "node", routeEnable: "on", rule };
  const { configId } = await call("createRoutineRoute", route);
  await call("publishRoutineCodeVersion", { name, env: "staging", codeVersion: second });
  await call("publishRoutineCodeVersion", { name, env: "production", codeVersion: first });
  assert.deepEqual([await visit(settings.EDGE_STAGING, `node.${ZONE}`), await visit(settings.EDGE, `node.${ZONE}`)], ["two", "one"]);
  const share = (codeVersion, percentage) => new esa.CreateRoutineCodeDeploymentRequestCodeVersions({ codeVersion, percentage });
  const deploy = (codeVersions) => call("createRoutineCodeDeployment", { name, env: "production", strategy: "percentage", codeVersions });
  await assert.rejects(deploy([share(first, 50), share(second, 49)]), { code: /InvalidParameter|InvalidCodeVersions/ });
  await deploy([share(first, 50), share(second, 50)]);
  const production = (await call("getRoutine", { name })).envs.find(({ env }) => env === "production");
  assert.deepEqual(production.codeDeploy.codeVersions.map(({ percentage }) => percentage), [50, 50]);
  await assert.rejects(call("deleteRoutineCodeVersion", { name, codeVersion: first }), { code: "DependedByOthers" });
  assert.equal((await call("listRoutineCodeVersions", { name })).totalCount, 2);
  await call("deleteRoutineRoute", { siteId: site.siteId, configId });
  await call("deleteRoutine", { name });
  await assert.rejects(call("getRoutine", { name }), { code: "RoutineNotExist" });
});

test("a wrong secret is refused, and a planned fault is met", async () => {
  const wrong = { accessKeySecret: "wrong" };
  await assert.rejects(call("listSites", {}, wrong), { code: "SignatureDoesNotMatch" });
  await fetch(`${settings.CONSOLE}/fault?service=esa&operation=ListSites&kind=throttle&times=1`, { method: "POST" });
  await assert.rejects(call("listSites"), { code: "TooQuickRequests" });
});
