// The emulated object storage, as the vendor's library for Node meets it.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import OSS from "ali-oss";
import { KEY as key, SECRET as secret, emulated } from "./emulated.mjs";

const bucket = "sdk-bucket";
const settings = await emulated();

before(() => client().putBucket(bucket));

function client(more) {
  return new OSS({
    accessKeyId: key,
    accessKeySecret: secret,
    authorizationV4: true,
    bucket,
    endpoint: settings.OSS_ENDPOINT,
    region: "oss-cn-hangzhou",
    secure: false,
    sldEnable: true,
    ...more,
  });
}

test("an object comes back as it was stored", async () => {
  const name = "a b/你+&.html";
  const headers = { "Cache-Control": "no-cache" };
  await client().put(name, Buffer.from("hello world"), { mime: "text/html", meta: { deployment: "7" }, headers });
  const { content, res } = await client().get(name);
  assert.equal(content.toString(), "hello world");
  assert.equal(res.headers["content-type"], "text/html");
  assert.equal(res.headers["cache-control"], "no-cache");
  assert.equal((await client().head(name)).meta.deployment, "7");
  const part = await client().get(name, { headers: { Range: "bytes=6-" } });
  assert.equal(part.content.toString(), "world");
});

test("refusals have their codes", async () => {
  await assert.rejects(client().get("nothing"), { code: "NoSuchKey", status: 404 });
  await assert.rejects(client({ accessKeySecret: "wrong" }).get("a"), { code: "SignatureDoesNotMatch", status: 403 });
  await assert.rejects(client({ accessKeyId: "nobody" }).get("a"), { code: "InvalidAccessKeyId" });
});

test("lists come in pages and by folders", async () => {
  for (const name of ["list/a b", "list/d/1", "list/d/2", "list/你"]) await client().put(name, Buffer.from("x"));
  const names = [];
  let token;
  do {
    const page = await client().listV2({ prefix: "list/", "max-keys": 2, "continuation-token": token });
    names.push(...(page.objects ?? []).map((object) => object.name));
    token = page.nextContinuationToken;
  } while (token);
  assert.deepEqual(names, ["list/a b", "list/d/1", "list/d/2", "list/你"]);
  const folders = await client().listV2({ prefix: "list/", delimiter: "/" });
  assert.deepEqual(folders.prefixes, ["list/d/"]);
});

test("objects are copied and deleted together", async () => {
  await client().put("copy/你", Buffer.from("hello"));
  await client().copy("copy/to", "copy/你");
  assert.equal((await client().get("copy/to")).content.toString(), "hello");
  const { deleted } = await client().deleteMulti(["copy/你", "copy/to"]);
  assert.deepEqual(deleted.map((object) => object.Key), ["copy/你", "copy/to"]);
  await client().delete("copy/to");
});

test("a large object is put together from parts", async () => {
  const body = Buffer.alloc(450_000, "0123456789");
  await client().multipartUpload("big", body, { partSize: 150_000, parallel: 3 });
  assert.deepEqual((await client().get("big")).content, body);
});

test("an address can be given away", async () => {
  await client().put("given/a b", Buffer.from("hello"));
  const address = await client().signatureUrlV4("GET", 60, {}, "given/a b");
  assert.equal(await (await fetch(address)).text(), "hello");
  assert.equal((await fetch(address.replace("given", "taken"))).status, 403);
});
