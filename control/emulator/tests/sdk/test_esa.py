"""The emulated key-value store of the edge, as the vendor's library meets it."""

import unittest

from alibabacloud_esa20240910 import models
from alibabacloud_esa20240910.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException
from emulated import KEY, SECRET, Emulator

NAMESPACE = "routes"


def setUpModule():
    global emulator, client
    emulator = Emulator()
    client = client_with(SECRET)
    client.create_kv_namespace(models.CreateKvNamespaceRequest(namespace=NAMESPACE, description="of sites"))


def tearDownModule():
    emulator.stop()


def client_with(secret):
    endpoint = emulator.esa.removeprefix("http://")
    return Client(Config(access_key_id=KEY, access_key_secret=secret, endpoint=endpoint, protocol="http"))


def put(key, value, **more):
    return client.put_kv(models.PutKvRequest(namespace=NAMESPACE, key=key, value=value, **more))


def get(key):
    return client.get_kv(models.GetKvRequest(namespace=NAMESPACE, key=key)).body.value


class Kv(unittest.TestCase):
    def failure(self, code, call, *arguments):
        with self.assertRaises(DaraException) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.code, code)

    def test_a_value_comes_back_as_it_was_stored(self):
        value = '{"a": "b c+é&=~*"}'
        stored = put("app.example.com", value)
        self.assertEqual((stored.body.length, stored.body.value), (str(len(value.encode())), value))
        self.assertEqual(get("app.example.com"), value)
        client.delete_kv(models.DeleteKvRequest(namespace=NAMESPACE, key="app.example.com"))
        self.failure("InvalidKey.NotFound", get, "app.example.com")

    def test_a_value_that_ends_says_when(self):
        put("ends", "1", expiration_ttl=3600)
        request = models.GetKvDetailRequest(namespace=NAMESPACE, key="ends")
        self.assertLessEqual(int(client.get_kv_detail(request).body.expiration_ttl), 3600)

    def test_many_values_go_at_once(self):
        pairs = [models.BatchPutKvRequestKvList(key=f"many-{number}", value="1") for number in range(30)]
        stored = client.batch_put_kv(models.BatchPutKvRequest(namespace=NAMESPACE, kv_list=pairs))
        self.assertEqual((len(stored.body.success_keys), stored.body.fail_keys), (30, []))
        page = client.list_kvs(models.ListKvsRequest(namespace=NAMESPACE, prefix="many-", page_size=20, page_number=2))
        self.assertEqual((page.body.total_count, len(page.body.keys)), (30, 10))
        keys = [f"many-{number}" for number in range(30)]
        deleted = client.batch_delete_kv(models.BatchDeleteKvRequest(namespace=NAMESPACE, keys=keys))
        self.assertEqual(len(deleted.body.success_keys), 30)

    def test_namespaces_are_counted(self):
        account = client.get_kv_account().body
        self.assertEqual(account.namespace_quota, 10)
        self.assertIn(NAMESPACE, [found.namespace for found in account.namespace_list])
        self.assertEqual(client.get_kv_namespace(models.GetKvNamespaceRequest(namespace=NAMESPACE)).body.status, "online")
        again = models.CreateKvNamespaceRequest(namespace=NAMESPACE)
        self.failure("InvalidNameSpace.Duplicate", client.create_kv_namespace, again)
        missing = models.GetKvNamespaceRequest(namespace="nothing")
        self.failure("InvalidNameSpace.NotFound", client.get_kv_namespace, missing)

    def test_refusals_have_their_codes(self):
        self.failure("InvalidKey.Malformed", put, "a b", "1")
        self.failure("InvalidKey.ExceedsMaximum", put, "k" * 513, "1")
        request = models.GetKvRequest(namespace=NAMESPACE, key="a")
        self.failure("SignatureDoesNotMatch", client_with("wrong").get_kv, request)


if __name__ == "__main__":
    unittest.main()
