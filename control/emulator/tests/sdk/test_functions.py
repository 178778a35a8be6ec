"""Code that the emulated functions run, made and called through the vendor's library."""

import base64
import http.client
import io
import json
import unittest
import urllib.error
import urllib.request
import zipfile

from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException
from emulated import KEY, SECRET, Emulator

SERVER = """
const http = require("node:http");
let answered = 0;
let held;
http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const { method, url } = request;
  if (url === "/slow") return;
  if (url === "/stream") { response.write("first"); held = response; return; }
  if (url === "/go") held.end("last");
  if (url === "/crash") process.exit(1);
  if (url === "/away") return response.writeHead(302, { location: "https://elsewhere.example/" }).end();
  const headers = Object.entries(request.headers).filter(([name]) => name.startsWith("x-"));
  response.setHeader("x-answered", ++answered);
  response.end(JSON.stringify({ method, url, body, headers: Object.fromEntries(headers), env: process.env, cwd: process.cwd() }));
}).listen(Number(process.env.PORT), "0.0.0.0");
"""

NODE = """
exports.handler = async (event, context) => {
  const request = JSON.parse(event);
  if (request.fail) throw new TypeError("no such thing");
  if (!request.rawPath) return { got: request };
  return { statusCode: 201, headers: { "x-path": request.rawPath }, body: request.queryParameters.name };
};
"""

PYTHON = """
import json

def handler(event, context):
    request = json.loads(event)
    if "rawPath" not in request:
        return json.dumps({"got": request, "id": bool(context.request_id)})
    return {"statusCode": 200, "body": request["requestContext"]["http"]["method"]}
"""


def setUpModule():
    global emulator, client
    emulator = Emulator()
    endpoint = emulator.fc.removeprefix("http://")
    client = Client(Config(access_key_id=KEY, access_key_secret=SECRET, endpoint=endpoint, protocol="http"))


def tearDownModule():
    emulator.stop()


def package(**files):
    """A zip in Base64; `__` stands for the dot of a name."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name.replace("__", "."))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o755 << 16
            packed.writestr(entry, text)
    return models.InputCodeLocation(zip_file=base64.b64encode(written.getvalue()).decode())


def create(name, code, runtime="custom.debian12", **more):
    body = models.CreateFunctionInput(function_name=name, runtime=runtime, handler="index.handler", code=code, timeout=60, **more)
    client.create_function(models.CreateFunctionRequest(body=body))
    config = json.dumps({"methods": ["GET", "POST", "HEAD"], "authType": "anonymous"})
    trigger = models.CreateTriggerInput(trigger_name="http", trigger_type="http", trigger_config=config, qualifier="LATEST")
    return client.create_trigger(name, models.CreateTriggerRequest(body=trigger)).body.http_trigger.url_internet


def ask(url, **more):
    """The status, the headers and the body of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **more)) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers, answer.read()


def invoke(name, event):
    request = models.InvokeFunctionRequest(body=io.BytesIO(json.dumps(event).encode()))
    answer = client.invoke_function(name, request)
    return answer.headers.get("x-fc-error-type"), json.loads(answer.body.read())


class Processes(unittest.TestCase):
    def test_a_server_answers_under_its_address(self):
        config = models.CustomRuntimeConfig(command=["node", "server.js"], port=9000)
        variables = {"PORT": "9000", "NODE_PATH": "/code/node_modules", "GREETING": "héllo"}
        code = package(server__js=SERVER)
        url = create("server", code, custom_runtime_config=config, environment_variables=variables)
        status, headers, body = ask(f"{url}/a%20b?c=1", data=b"hello", headers={"x-own": "1", "x-fc-account-id": "forged"})
        told = json.loads(body)
        self.assertEqual((status, told["method"], told["url"], told["body"]), (200, "POST", "/a%20b?c=1", "hello"))
        self.assertEqual((told["headers"]["x-own"], told["headers"]["x-fc-account-id"]), ("1", "5492000000000000"))
        self.assertEqual(told["headers"]["x-fc-request-id"], headers["x-fc-request-id"])
        self.assertEqual(headers["content-disposition"], "attachment")
        env = told["env"]
        self.assertEqual((env["GREETING"], env["FC_SERVER_PORT"]), ("héllo", env["PORT"]))
        self.assertEqual(env["NODE_PATH"], f"{told['cwd']}/node_modules")
        self.assertNotIn("HOME", env, "nothing of the emulator's own")
        self.assertEqual(ask(url)[1]["x-answered"], "2", "the process stays")
        self.assertEqual(ask(f"{url}/away")[0], 400)
        self.assertIn(b"ExternalRedirectForbidden", ask(f"{url}/away")[2])
        status, headers, _ = ask(f"{url}/crash")
        self.assertEqual((status, headers["x-fc-error-type"]), (502, "UnhandledInvocationError"))
        self.assertEqual(ask(url)[1]["x-answered"], "1", "another process takes its place")
        short = models.UpdateFunctionInput(timeout=1)
        client.update_function("server", models.UpdateFunctionRequest(body=short))
        status, _, body = ask(f"{url}/slow")
        self.assertEqual(status, 502)
        self.assertIn(b"time out after 1s", body)
        event, told = invoke("server", {"a": 1})
        self.assertEqual((event, told["method"], told["url"], told["body"]), (None, "POST", "/invoke", '{"a": 1}'))

    def test_an_answer_streams(self):
        config = models.CustomRuntimeConfig(command=["node", "/code/server.js"], port=9000)
        url = create("streams", package(server__js=SERVER), custom_runtime_config=config, instance_concurrency=2)
        with urllib.request.urlopen(f"{url}/stream") as answer:
            self.assertEqual(answer.read(5), b"first", "it has not ended, and its beginning is here")
            ask(f"{url}/go")
            self.assertEqual(answer.read(), b"last")
        short = models.UpdateFunctionInput(timeout=1)
        client.update_function("streams", models.UpdateFunctionRequest(body=short))
        with urllib.request.urlopen(f"{url}/stream") as answer:
            self.assertEqual(answer.read(5), b"first")
            with self.assertRaises(http.client.IncompleteRead):
                answer.read()

    def test_layers_bring_files_and_the_first_wins(self):
        def layer(name, **files):
            body = models.CreateLayerVersionInput(code=package(**files), compatible_runtime=["custom.debian12"])
            return client.create_layer_version(name, models.CreateLayerVersionRequest(body=body)).body

        first = layer("first", a__js="module.exports = 'first'")
        second = layer("second", a__js="module.exports = 'second'", b__js="module.exports = 'both'")
        self.assertEqual((second.layer_name, second.version), ("second", 1))
        self.assertEqual(layer("second", c__js="").version, 2)
        code = package(server__js="""
            const [a, b] = [require("a.js"), require("b.js")];
            require("node:http").createServer((request, response) => response.end(a + b)).listen(process.env.PORT);
        """)
        config = models.CustomRuntimeConfig(command=["node", "server.js"], port=9000)
        arns = [first.layer_version_arn, second.layer_version_arn, "acs:fc:cn-hangzhou:official:layers/Nodejs20/versions/3"]
        url = create("layered", code, custom_runtime_config=config, layers=arns, environment_variables={"NODE_PATH": "/opt/"})
        self.assertEqual(ask(url)[2], b"firstboth")
        shown = client.get_function("layered", models.GetFunctionRequest()).body.layers
        self.assertEqual([(shown.arn, shown.size > 0) for shown in shown], list(zip(arns, [True, True, False])))
        listed = client.list_layers(models.ListLayersRequest()).body.layers
        self.assertEqual([(layer.layer_name, layer.version) for layer in listed], [("first", 1), ("second", 2)])
        versions = client.list_layer_versions("second", models.ListLayerVersionsRequest()).body.layers
        self.assertEqual([layer.version for layer in versions], [2, 1])
        self.assertEqual(client.get_layer_version("first", "1").body.code_size, first.code_size)
        self.assertEqual(client.get_layer_version_by_arn(first.layer_version_arn).body.layer_name, "first")
        client.delete_layer_version("first", "1")
        self.refused("LayerVersionNotFound", client.get_layer_version, "first", "1")
        self.refused("LayerNotFound", client.list_layer_versions, "nobody", models.ListLayerVersionsRequest())
        self.refused("LayerVersionNotFound", create, "lacking", code, layers=[first.layer_version_arn])

    def test_a_domain_rewrites_paths(self):
        config = models.CustomRuntimeConfig(command=["node", "server.js"], port=9000)
        create("rewritten", package(server__js=SERVER), custom_runtime_config=config)
        rewrite = models.RewriteConfig(
            equal_rules=[models.EqualRule(match="/login", replacement="/sign-in")],
            wildcard_rules=[models.WildcardRule(match="/old/*", replacement="/new/$1")],
            regex_rules=[models.RegexRule(match="^/v([0-9])/(.*)$", replacement="/$2?version=$1")],
        )
        name = "rewritten.app.example"

        def domain(rules):
            route = models.PathConfig(path="/*", function_name="rewritten", rewrite_config=rules)
            body = models.CreateCustomDomainInput(domain_name=name, protocol="HTTP", route_config=models.RouteConfig(routes=[route]))
            return client.create_custom_domain(models.CreateCustomDomainRequest(body=body)).body

        emulator.tell("lead", name=name, to="5492000000000000.cn-hangzhou.fc.aliyuncs.com")
        self.refused("InvalidArgument", domain, models.RewriteConfig(regex_rules=[models.RegexRule(match="(", replacement="/")]))
        shown = domain(rewrite).route_config.routes[0].rewrite_config
        self.assertEqual(shown.equal_rules[0].replacement, "/sign-in")
        functions = emulator.settings["FC_CUSTOM_DOMAINS"]
        paths = {"/login?a=1": "/sign-in?a=1", "/old/a/b": "/new/a/b", "/v2/x?a=1": "/x?version=2&a=1", "/other": "/other"}
        for path, expected in paths.items():
            status, _, body = ask(f"{functions}{path}", headers={"host": name})
            self.assertEqual((status, json.loads(body)["url"]), (200, expected))

    def refused(self, code, call, *arguments, **more):
        with self.assertRaises(DaraException) as caught:
            call(*arguments, **more)
        self.assertEqual(caught.exception.code, code)

    def test_aliases_are_changed_and_what_is_missing_is_named(self):
        create("aliased", package(index__js="exports.handler = async () => 'x'"), "nodejs20")
        publish = models.PublishFunctionVersionRequest(body=models.PublishVersionInput(description="one"))
        versions = [client.publish_function_version("aliased", publish).body.version_id for _ in range(2)]
        self.assertEqual(versions, ["1", "2"])
        body = models.CreateAliasInput(alias_name="live", version_id="1", additional_version_weight={"2": 0.5})
        client.create_alias("aliased", models.CreateAliasRequest(body=body))
        self.refused("AliasAlreadyExists", client.create_alias, "aliased", models.CreateAliasRequest(body=body))
        self.assertEqual(client.get_alias("aliased", "live").body.additional_version_weight, {"2": 0.5})
        update = models.UpdateAliasRequest(body=models.UpdateAliasInput(version_id="2"))
        self.assertEqual(client.update_alias("aliased", "live", update).body.version_id, "2")
        missing = models.UpdateAliasRequest(body=models.UpdateAliasInput(version_id="9"))
        self.refused("VersionNotFound", client.update_alias, "aliased", "live", missing)
        listed = client.list_aliases("aliased", models.ListAliasesRequest()).body.aliases
        self.assertEqual([alias.alias_name for alias in listed], ["live"])
        listed = client.list_function_versions("aliased", models.ListFunctionVersionsRequest()).body.versions
        self.assertEqual([version.version_id for version in listed], ["2", "1"])
        client.delete_alias("aliased", "live")
        self.refused("AliasNotFound", client.get_alias, "aliased", "live")
        client.delete_function_version("aliased", "1")
        self.refused("VersionNotFound", client.delete_function_version, "aliased", "1")

    def test_a_bootstrap_is_what_runs_without_a_command(self):
        code = package(bootstrap="#!/bin/sh\nexec node server.js\n", server__js=SERVER)
        self.assertEqual(ask(create("bootstrap", code))[0], 200)

    def test_handlers_of_node_and_python_are_called(self):
        node = create("node", package(index__js=NODE), "nodejs20")
        status, headers, body = ask(f"{node}/a?name=b")
        self.assertEqual((status, headers["x-path"], body), (201, "/a", b"b"))
        self.assertEqual(invoke("node", {"a": 1}), (None, {"got": {"a": 1}}))
        kind, told = invoke("node", {"fail": True})
        self.assertEqual((kind, told["errorMessage"]), ("UnhandledInvocationError", "no such thing"))
        python = create("python", package(index__py=PYTHON), "python3.10")
        self.assertEqual(ask(python)[2], b"GET")
        self.assertEqual(invoke("python", {"a": 1}), (None, {"got": {"a": 1}, "id": True}))

    def test_what_is_not_there_is_not_invoked(self):
        with self.assertRaises(DaraException) as caught:
            invoke("nobody", {})
        self.assertEqual(caught.exception.code, "FunctionNotFound")

    def test_versions_stay_and_aliases_lead_to_them(self):
        url = create("versioned", package(index__js="exports.handler = async () => 'first'"), "nodejs20")
        publish = models.PublishFunctionVersionRequest(body=models.PublishVersionInput(description="first"))
        version = client.publish_function_version("versioned", publish).body.version_id
        alias = models.CreateAliasInput(alias_name="live", version_id=version)
        client.create_alias("versioned", models.CreateAliasRequest(body=alias))
        code = package(index__js="exports.handler = async () => 'second'")
        client.update_function("versioned", models.UpdateFunctionRequest(body=models.UpdateFunctionInput(code=code)))
        self.assertEqual(ask(url)[2], b"second")
        config = json.dumps({"methods": ["GET"], "authType": "anonymous"})
        live = models.UpdateTriggerInput(trigger_config=config, qualifier="live")
        client.update_trigger("versioned", "http", models.UpdateTriggerRequest(body=live))
        self.assertEqual(ask(url)[2], b"first")


if __name__ == "__main__":
    unittest.main()
