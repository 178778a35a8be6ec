"""The emulated STS, as the vendor's libraries meet it: keys of a role, and what they open."""

import unittest

import alibabacloud_oss_v2 as oss
from alibabacloud_esa20240910 import models
from alibabacloud_esa20240910.client import Client
from alibabacloud_tea_openapi.client import Client as OpenApi
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from darabonba.exceptions import DaraException
from darabonba.runtime import RuntimeOptions
from emulated import BUCKET, KEY, SECRET, Emulator

ROLE = {"RoleArn": "acs:ram::1234567890123456:role/edge", "RoleSessionName": "sdk"}


def setUpModule():
    global emulator
    emulator = Emulator()


def tearDownModule():
    emulator.stop()


def assume(secret=SECRET, **given):
    """Asks with the signature of today."""
    endpoint = emulator.settings["STS_ENDPOINT"].removeprefix("http://")
    client = OpenApi(Config(access_key_id=KEY, access_key_secret=secret, endpoint=endpoint, protocol="http"))
    names = {"action": "AssumeRole", "version": "2015-04-01", "protocol": "HTTP", "pathname": "/", "method": "POST"}
    kinds = {"auth_type": "AK", "style": "RPC", "req_body_type": "formData", "body_type": "json"}
    request = OpenApiRequest(query={**ROLE, **given})
    return client.call_api(Params(**names, **kinds), request, RuntimeOptions())["body"]["Credentials"]


class Roles(unittest.TestCase):
    def test_the_keys_of_a_role_open_the_edge_and_the_storage(self):
        keys = assume()
        temporary = [keys["AccessKeyId"], keys["AccessKeySecret"], keys["SecurityToken"]]
        names = ["access_key_id", "access_key_secret", "security_token"]
        config = Config(**dict(zip(names, temporary)), endpoint=emulator.esa.removeprefix("http://"), protocol="http")
        client = Client(config)
        client.create_kv_namespace(models.CreateKvNamespaceRequest(namespace="routes"))
        self.assertEqual(client.get_kv_account().body.namespace_used, 1)
        config = oss.config.load_default()
        config.credentials_provider = oss.credentials.StaticCredentialsProvider(*temporary)
        config.region, config.endpoint = "cn-hangzhou", emulator.oss
        bucket = oss.Client(config)
        bucket.put_bucket(oss.PutBucketRequest(bucket=BUCKET))
        bucket.put_object(oss.PutObjectRequest(bucket=BUCKET, key="a", body=b"b"))
        self.assertEqual(bucket.get_object(oss.GetObjectRequest(bucket=BUCKET, key="a")).body.content, b"b")

    def test_the_signature_before_that_is_taken_too(self):
        request = CommonRequest()
        request.set_domain(emulator.settings["STS_ENDPOINT"].removeprefix("http://"))
        request.set_protocol_type("http")
        request.set_version("2015-04-01")
        request.set_action_name("AssumeRole")
        for name, value in ROLE.items():
            request.add_query_param(name, value)
        self.assertIn(b"STS.", AcsClient(KEY, SECRET, "cn-hangzhou").do_action_with_exception(request))
        request.add_query_param("DurationSeconds", "1")
        with self.assertRaises(ServerException) as caught:
            AcsClient(KEY, SECRET, "cn-hangzhou").do_action_with_exception(request)
        self.assertEqual(caught.exception.get_error_code(), "InvalidParameter.DurationSeconds")

    def test_refusals_have_their_codes(self):
        for code, given in [
            ("SignatureDoesNotMatch", {"secret": "wrong"}),
            ("InvalidParameter.RoleArn", {"RoleArn": "edge"}),
            ("InvalidParameter.RoleSessionName", {"RoleSessionName": "?"}),
        ]:
            with self.assertRaises(DaraException) as caught:
                assume(**given)
            self.assertEqual(caught.exception.code, code)


if __name__ == "__main__":
    unittest.main()
