"""The emulated edge but for its key-value store: records, custom hostnames, purges, as the vendor's library meets them."""

import unittest

from alibabacloud_esa20240910 import models
from alibabacloud_esa20240910.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException
from emulated import KEY, SECRET, ZONE, Emulator


def setUpModule():
    global emulator, client, site
    emulator = Emulator()
    endpoint = emulator.esa.removeprefix("http://")
    client = Client(Config(access_key_id=KEY, access_key_secret=SECRET, endpoint=endpoint, protocol="http"))
    site = client.list_sites(models.ListSitesRequest(site_name=ZONE)).body.sites[0].site_id


def tearDownModule():
    emulator.stop()


class Edge(unittest.TestCase):
    def failure(self, code, call, *arguments):
        with self.assertRaises(DaraException) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.code, code)

    def test_a_hostname_goes_from_pending_to_active(self):
        record = client.create_record(
            models.CreateRecordRequest(
                site_id=site,
                record_name=f"origin.{ZONE}",
                type="CNAME",
                data=models.CreateRecordRequestData(value="bucket.oss.example"),
                ttl=1,
                proxied=True,
                biz_name="web",
                source_type="OSS",
            )
        ).body.record_id
        listed = client.list_records(models.ListRecordsRequest(site_id=site, record_name=f"origin.{ZONE}")).body.records
        self.assertEqual([(found.record_id, found.data.value) for found in listed], [(record, "bucket.oss.example")])
        create = models.CreateCustomHostnameRequest(
            site_id=site, hostname="www.customer.example", record_id=record, ssl_flag="on", cert_type="free"
        )
        hostname = client.create_custom_hostname(create).body.hostname_id
        get = models.GetCustomHostnameRequest(hostname_id=hostname)
        pending = client.get_custom_hostname(get).body.custom_hostname_model
        self.assertEqual((pending.status, pending.ssl_flag, pending.cert_status), ("pending", "on", "Applying"))
        verify = models.VerifyCustomHostnameRequest(hostname_id=hostname)
        self.assertFalse(client.verify_custom_hostname(verify).body.passed)
        emulator.tell("prove", hostname="www.customer.example")
        self.assertTrue(client.verify_custom_hostname(verify).body.passed)
        self.assertEqual(client.get_custom_hostname(get).body.custom_hostname_model.status, "active")
        page = client.list_custom_hostnames(models.ListCustomHostnamesRequest(site_id=site)).body
        self.assertEqual([found.hostname for found in page.hostnames], ["www.customer.example"])
        self.failure("DependedByOthers", client.delete_record, models.DeleteRecordRequest(record_id=record))
        client.delete_custom_hostname(models.DeleteCustomHostnameRequest(hostname_id=hostname))
        client.delete_record(models.DeleteRecordRequest(record_id=record))
        self.failure("CustomHostname.NotFound", client.get_custom_hostname, get)

    def test_a_purge_is_listed(self):
        content = models.PurgeCachesRequestContent(hostnames=["a.example", "例子.example"])
        purge = models.PurgeCachesRequest(site_id=site, type="hostname", content=content, force=True, edge_compute_purge=True)
        task = client.purge_caches(purge).body.task_id
        tasks = client.describe_purge_tasks(models.DescribePurgeTasksRequest(site_id=site)).body.tasks
        self.assertEqual((tasks[0].task_id, tasks[0].content), (task, "a.example,例子.example"))
        quota = client.get_purge_quota(models.GetPurgeQuotaRequest(site_id=site, type="hostname")).body
        self.assertEqual((quota.quota, quota.usage), ("100000", "1"))

    def test_a_planned_fault_is_met_once(self):
        emulator.tell("fault", service="esa", operation="ListSites", kind="throttle", times="1")
        self.failure("TooQuickRequests", client.list_sites, models.ListSitesRequest())
        self.assertEqual(client.list_sites(models.ListSitesRequest()).body.total_count, 1)


if __name__ == "__main__":
    unittest.main()
