"""The emulated functions, as the vendor's library meets them."""

import base64
import json
import unittest

from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException
from emulated import KEY, SECRET, Emulator


def setUpModule():
    global emulator, client
    emulator = Emulator()
    client = client_with(SECRET)


def tearDownModule():
    emulator.stop()


def client_with(secret):
    endpoint = emulator.fc.removeprefix("http://")
    return Client(Config(access_key_id=KEY, access_key_secret=secret, endpoint=endpoint, protocol="http"))


def create(name):
    code = models.InputCodeLocation(zip_file=base64.b64encode(b"123456789").decode())
    body = models.CreateFunctionInput(
        function_name=name,
        runtime="custom.debian12",
        handler="index.handler",
        code=code,
        environment_variables={"GREETING": "héllo"},
        custom_runtime_config=models.CustomRuntimeConfig(command=["node", "server.js"], port=9000),
    )
    return client.create_function(models.CreateFunctionRequest(body=body)).body


class Functions(unittest.TestCase):
    def failure(self, code, call, *arguments):
        with self.assertRaises(DaraException) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.code, code)

    def test_a_function_is_made_changed_and_removed(self):
        made = create("app")
        self.assertEqual((made.code_checksum, made.code_size, made.state), ("11051210869376104954", 9, "Active"))
        body = models.UpdateFunctionInput(timeout=60)
        self.assertEqual(client.update_function("app", models.UpdateFunctionRequest(body=body)).body.timeout, 60)
        got = client.get_function("app", models.GetFunctionRequest()).body
        self.assertEqual((got.environment_variables, got.custom_runtime_config.port), ({"GREETING": "héllo"}, 9000))
        listed = client.list_functions(models.ListFunctionsRequest(prefix="ap", fc_version="v3")).body
        self.assertEqual([function.function_name for function in listed.functions], ["app"])
        self.failure("FunctionAlreadyExists", create, "app")
        config = json.dumps({"methods": ["GET"], "authType": "anonymous"})
        trigger = models.CreateTriggerInput(trigger_name="http", trigger_type="http", trigger_config=config, qualifier="LATEST")
        trigger = client.create_trigger("app", models.CreateTriggerRequest(body=trigger)).body
        self.assertTrue(trigger.http_trigger.url_internet.startswith("http://127.0.0.1:"))
        self.assertEqual(json.loads(trigger.trigger_config)["methods"], ["GET"])
        self.failure("FunctionNotEmpty", client.delete_function, "app")
        client.delete_trigger("app", "http")
        client.delete_function("app")
        self.failure("FunctionNotFound", client.get_function, "app", models.GetFunctionRequest())

    def test_a_domain_has_to_lead_here(self):
        name = "*.app.example"
        routes = models.RouteConfig(routes=[models.PathConfig(path="/*", function_name="app")])
        body = models.CreateCustomDomainInput(domain_name=name, protocol="HTTP", route_config=routes)
        request = models.CreateCustomDomainRequest(body=body)
        self.failure("DomainNameNotResolved", client.create_custom_domain, request)
        emulator.tell("lead", name=name, to="5492000000000000.cn-hangzhou.fc.aliyuncs.com")
        client.create_custom_domain(request)
        got = client.get_custom_domain(name).body
        self.assertEqual((got.domain_name, got.route_config.routes[0].function_name), (name, "app"))
        client.delete_custom_domain(name)
        self.failure("DomainNameNotFound", client.get_custom_domain, name)

    def test_a_wrong_secret_is_refused(self):
        self.failure("SignatureNotMatch", client_with("wrong").get_function, "app", models.GetFunctionRequest())


if __name__ == "__main__":
    unittest.main()
