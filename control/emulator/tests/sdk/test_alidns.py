"""The emulated names, as the vendor's library meets them."""

import unittest

from alibabacloud_alidns20150109 import models
from alibabacloud_alidns20150109.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException
from emulated import KEY, SECRET, ZONE, Emulator


def setUpModule():
    global emulator, client
    emulator = Emulator()
    client = client_with(SECRET)


def tearDownModule():
    emulator.stop()


def client_with(secret):
    endpoint = emulator.alidns.removeprefix("http://")
    return Client(Config(access_key_id=KEY, access_key_secret=secret, endpoint=endpoint, protocol="http"))


def add(rr, kind, value, **more):
    request = models.AddDomainRecordRequest(domain_name=ZONE, rr=rr, type=kind, value=value, **more)
    return client.add_domain_record(request).body.record_id


class Names(unittest.TestCase):
    def failure(self, code, call, *arguments):
        with self.assertRaises(DaraException) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.code, code)

    def test_records_are_added_changed_listed_and_removed(self):
        record = add("*.app", "CNAME", "edge.example")
        update = models.UpdateDomainRecordRequest(record_id=record, rr="*.app", type="CNAME", value="other.example")
        client.update_domain_record(update)
        self.failure("DomainRecordDuplicate", client.update_domain_record, update)
        remark = models.UpdateDomainRecordRemarkRequest(record_id=record, remark="ours é")
        client.update_domain_record_remark(remark)
        listed = client.describe_domain_records(models.DescribeDomainRecordsRequest(domain_name=ZONE, rrkey_word="*.APP"))
        found = listed.body.domain_records.record[0]
        self.assertEqual((found.record_id, found.value, found.ttl), (record, "other.example", 600))
        self.assertEqual((found.status, found.remark), ("ENABLE", "ours é"))
        one = models.DescribeSubDomainRecordsRequest(sub_domain=f"*.app.{ZONE}")
        self.assertEqual(client.describe_sub_domain_records(one).body.total_count, 1)
        delete = models.DeleteDomainRecordRequest(record_id=record)
        client.delete_domain_record(delete)
        self.failure("DomainRecordNotBelongToUser", client.delete_domain_record, delete)

    def test_refusals_have_their_codes(self):
        add("www", "A", "192.0.2.1")
        self.failure("DomainRecordDuplicate", add, "www", "A", "192.0.2.1")
        self.failure("DomainRecordConflict", add, "www", "CNAME", "edge.example")
        info = models.DescribeDomainInfoRequest(domain_name="elsewhere.example")
        self.failure("InvalidDomainName.NoExist", client.describe_domain_info, info)
        self.failure("SignatureDoesNotMatch", client_with("wrong").describe_domains, models.DescribeDomainsRequest())

    def test_zones_are_known(self):
        zones = client.describe_domains(models.DescribeDomainsRequest()).body.domains.domain
        self.assertEqual([zone.domain_name for zone in zones], [ZONE])
        info = client.describe_domain_info(models.DescribeDomainInfoRequest(domain_name=ZONE)).body
        self.assertEqual((info.min_ttl, info.version_code), (600, "mianfei"))


if __name__ == "__main__":
    unittest.main()
