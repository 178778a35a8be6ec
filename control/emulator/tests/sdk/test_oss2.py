"""The emulated object storage, as the vendor's library of the first generation meets it."""

import unittest

import oss2
from emulated import BUCKET, KEY, SECRET, Emulator


def setUpModule():
    global emulator, bucket
    emulator = Emulator()
    bucket = bucket_with(SECRET)
    bucket.create_bucket()


def tearDownModule():
    emulator.stop()


def bucket_with(secret):
    return oss2.Bucket(oss2.AuthV4(KEY, secret), emulator.oss, BUCKET, region="cn-hangzhou")


class Objects(unittest.TestCase):
    def test_an_object_comes_back_as_it_was_stored(self):
        key = "a b/你+&<.html"
        bucket.put_object(key, b"hello world", headers={"Content-Type": "text/html", "x-oss-meta-deployment": "7"})
        result = bucket.get_object(key)
        self.assertEqual(result.read(), b"hello world")
        self.assertEqual(result.headers["x-oss-meta-deployment"], "7")
        self.assertEqual(bucket.get_object(key, byte_range=(6, None)).read(), b"world")
        self.assertTrue(bucket.object_exists(key))
        self.assertEqual(bucket.head_object(key).content_length, 11)
        self.assertEqual(bucket.get_object_meta(key).content_length, 11)

    def test_a_range_that_is_none_gives_all_of_it(self):
        bucket.put_object("range", b"hello")
        self.assertEqual(bucket.get_object("range", headers={"Range": "bytes=9-"}).read(), b"hello")

    def test_failures_have_their_classes(self):
        self.assertRaises(oss2.exceptions.NoSuchKey, bucket.get_object, "nothing")
        self.assertFalse(bucket.object_exists("nothing"))
        self.assertRaises(oss2.exceptions.SignatureDoesNotMatch, bucket_with("wrong").get_object, "a")
        bucket.put_object("same", b"x")
        etag = bucket.head_object("same").etag
        self.assertRaises(oss2.exceptions.NotModified, bucket.get_object, "same", headers={"If-None-Match": etag})
        again = {"x-oss-forbid-overwrite": "true"}
        self.assertRaises(oss2.exceptions.ServerError, bucket.put_object, "same", b"y", headers=again)

    def test_lists_are_walked(self):
        for key in ["list/a b", "list/d/1", "list/d/2", "list/你"]:
            bucket.put_object(key, b"x")
        for iterator in [oss2.ObjectIterator, oss2.ObjectIteratorV2]:
            keys = [found.key for found in iterator(bucket, prefix="list/", max_keys=2)]
            self.assertEqual(keys, ["list/a b", "list/d/1", "list/d/2", "list/你"])
            keys = [found.key for found in iterator(bucket, prefix="list/", delimiter="/", max_keys=2)]
            self.assertEqual(keys, ["list/a b", "list/d/", "list/你"])

    def test_objects_are_copied_and_deleted_together(self):
        bucket.put_object("copy/你", b"hello")
        bucket.copy_object(BUCKET, "copy/你", "copy/to")
        self.assertEqual(bucket.get_object("copy/to").read(), b"hello")
        deleted = bucket.batch_delete_objects(["copy/你", "copy/to"])
        self.assertEqual(deleted.deleted_keys, ["copy/你", "copy/to"])

    def test_a_large_object_is_put_together_from_parts(self):
        body = bytes(range(256)) * 1600
        upload = bucket.init_multipart_upload("big").upload_id
        parts = []
        for number, start in enumerate(range(0, len(body), 200_000), start=1):
            result = bucket.upload_part("big", upload, number, body[start : start + 200_000])
            parts.append(oss2.models.PartInfo(number, result.etag))
        bucket.complete_multipart_upload("big", upload, parts)
        self.assertEqual(bucket.get_object("big").read(), body)


if __name__ == "__main__":
    unittest.main()
