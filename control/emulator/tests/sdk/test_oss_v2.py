"""The emulated object storage, as the vendor's library of the second generation meets it."""

import unittest
import urllib.request

import alibabacloud_oss_v2 as oss
from emulated import BUCKET, KEY, SECRET, Emulator


def setUpModule():
    global emulator, client
    emulator = Emulator()
    client = client_with(SECRET)
    client.put_bucket(oss.PutBucketRequest(bucket=BUCKET))


def tearDownModule():
    emulator.stop()


def client_with(secret):
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(KEY, secret)
    config.region = "cn-hangzhou"
    config.endpoint = emulator.oss
    return oss.Client(config)


def put(key, body, **more):
    return client.put_object(oss.PutObjectRequest(bucket=BUCKET, key=key, body=body, **more))


def get(key, **more):
    return client.get_object(oss.GetObjectRequest(bucket=BUCKET, key=key, **more))


class Objects(unittest.TestCase):
    def failure(self, code, call, *arguments, **more):
        with self.assertRaises(oss.exceptions.OperationError) as caught:
            call(*arguments, **more)
        error = caught.exception.unwrap()
        self.assertEqual(error.code, code)
        self.assertTrue(error.request_id)
        return error

    def test_an_object_comes_back_as_it_was_stored(self):
        key = "a b/你+&<.html"
        stored = put(key, b"hello world", content_type="text/html", cache_control="no-cache", metadata={"deployment": "7"})
        self.assertEqual(stored.etag, '"5EB63BBBE01EEED093CB22BB8F5ACDC3"')
        result = get(key)
        self.assertEqual(result.body.content, b"hello world")
        self.assertEqual((result.content_type, result.cache_control), ("text/html", "no-cache"))
        self.assertEqual(result.metadata["deployment"], "7")
        head = client.head_object(oss.HeadObjectRequest(bucket=BUCKET, key=key))
        self.assertEqual((head.content_length, head.hash_crc64), (11, "5981764153023615706"))
        self.assertEqual(get(key, range_header="bytes=0-4").body.content, b"hello")

    def test_what_is_not_there_is_told(self):
        self.assertEqual(self.failure("NoSuchKey", get, "nothing").status_code, 404)
        head = oss.HeadObjectRequest(bucket=BUCKET, key="nothing")
        self.failure("NoSuchKey", client.head_object, head)
        self.assertFalse(client.is_object_exist(BUCKET, "nothing"))
        self.failure("NoSuchBucket", client.list_objects_v2, oss.ListObjectsV2Request(bucket="no-such-bucket"))

    def test_a_wrong_secret_is_refused(self):
        request = oss.ListObjectsV2Request(bucket=BUCKET)
        self.failure("SignatureDoesNotMatch", client_with("wrong").list_objects_v2, request)

    def test_conditions_hold(self):
        etag = put("conditions", b"x").etag
        error = self.failure("PreconditionFailed", get, "conditions", if_match='"other"')
        self.assertEqual(error.status_code, 412)
        self.assertEqual(get("conditions", if_match=etag).body.content, b"x")
        self.failure("FileAlreadyExists", put, "conditions", b"y", forbid_overwrite=True)

    def test_lists_come_in_pages_and_by_folders(self):
        for key in ["list/a b", "list/d/1", "list/d/2", "list/你", "list/z"]:
            put(key, b"x")
        pages = client.list_objects_v2_paginator()
        request = oss.ListObjectsV2Request(bucket=BUCKET, prefix="list/", max_keys=2)
        keys = [found.key for page in pages.iter_page(request) for found in page.contents or []]
        self.assertEqual(keys, ["list/a b", "list/d/1", "list/d/2", "list/z", "list/你"])
        folders = client.list_objects_v2(oss.ListObjectsV2Request(bucket=BUCKET, prefix="list/", delimiter="/"))
        self.assertEqual([folder.prefix for folder in folders.common_prefixes], ["list/d/"])
        old = client.list_objects(oss.ListObjectsRequest(bucket=BUCKET, prefix="list/d"))
        self.assertEqual([found.key for found in old.contents], ["list/d/1", "list/d/2"])

    def test_objects_are_copied_and_deleted(self):
        put("copy/from 你", b"hello", cache_control="no-cache")
        copy = oss.CopyObjectRequest(bucket=BUCKET, key="copy/to", source_bucket=BUCKET, source_key="copy/from 你")
        client.copy_object(copy)
        self.assertEqual(get("copy/to").cache_control, "no-cache")
        objects = [oss.DeleteObject(key=key) for key in ["copy/from 你", "copy/to", "never there"]]
        deleted = client.delete_multiple_objects(oss.DeleteMultipleObjectsRequest(bucket=BUCKET, objects=objects))
        self.assertEqual([found.key for found in deleted.deleted_objects], ["copy/from 你", "copy/to", "never there"])
        self.failure("NoSuchKey", get, "copy/to")
        client.delete_object(oss.DeleteObjectRequest(bucket=BUCKET, key="copy/to"))

    def test_a_large_object_is_put_together_from_parts(self):
        key, body = "big 你", bytes(range(256)) * 1200
        begun = client.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(bucket=BUCKET, key=key))
        parts = []
        for number, start in enumerate(range(0, len(body), 150_000), start=1):
            part = oss.UploadPartRequest(
                bucket=BUCKET, key=key, upload_id=begun.upload_id, part_number=number, body=body[start : start + 150_000]
            )
            parts.append(oss.UploadPart(part_number=number, etag=client.upload_part(part).etag))
        listed = client.list_parts(oss.ListPartsRequest(bucket=BUCKET, key=key, upload_id=begun.upload_id))
        self.assertEqual(len(listed.parts), 3)
        complete = oss.CompleteMultipartUploadRequest(
            bucket=BUCKET,
            key=key,
            upload_id=begun.upload_id,
            complete_multipart_upload=oss.CompleteMultipartUpload(parts=parts),
        )
        self.assertTrue(client.complete_multipart_upload(complete).etag.endswith('-3"'))
        self.assertEqual(get(key).body.content, body)
        abort = oss.AbortMultipartUploadRequest(bucket=BUCKET, key=key, upload_id=begun.upload_id)
        self.failure("NoSuchUpload", client.abort_multipart_upload, abort)

    def test_a_presigned_address_works_without_credentials(self):
        put("given/a b+你", b"hello")
        address = client.presign(oss.GetObjectRequest(bucket=BUCKET, key="given/a b+你")).url
        with urllib.request.urlopen(address) as answer:
            self.assertEqual(answer.read(), b"hello")
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(address.replace("given", "taken"))
        self.assertEqual(caught.exception.code, 403)
        caught.exception.close()

    def test_a_bucket_is_known_and_kept_while_it_is_full(self):
        put("kept", b"x")
        self.failure("BucketNotEmpty", client.delete_bucket, oss.DeleteBucketRequest(bucket=BUCKET))
        names = [found.name for found in client.list_buckets(oss.ListBucketsRequest()).buckets]
        self.assertIn(BUCKET, names)
        self.assertEqual(client.get_bucket_info(oss.GetBucketInfoRequest(bucket=BUCKET)).bucket_info.name, BUCKET)

    def test_a_bucket_tells_where_it_is_and_who_may_read_it(self):
        found = client.get_bucket_location(oss.GetBucketLocationRequest(bucket=BUCKET))
        self.assertEqual(found.location, "oss-cn-hangzhou")
        put("shown", b"hello")
        address = f"{emulator.oss}/{BUCKET}/shown"
        for acl, status in [("private", 403), ("public-read", 200), ("private", 403)]:
            client.put_bucket_acl(oss.PutBucketAclRequest(bucket=BUCKET, acl=acl))
            self.assertEqual(client.get_bucket_acl(oss.GetBucketAclRequest(bucket=BUCKET)).acl, acl)
            self.assertEqual(client.get_bucket_info(oss.GetBucketInfoRequest(bucket=BUCKET)).bucket_info.acl, acl)
            try:
                with urllib.request.urlopen(address) as answer:
                    got = answer.status
            except urllib.error.HTTPError as error:
                got = error.code
                error.close()
            self.assertEqual(got, status, acl)
        self.failure("NoSuchBucket", client.get_bucket_acl, oss.GetBucketAclRequest(bucket="no-such-bucket"))

    def test_what_the_emulator_does_not_have_is_told_and_changes_nothing(self):
        put("kept", b"x")
        tags = oss.Tagging(tag_set=oss.TagSet(tags=[oss.Tag(key="a", value="b")]))
        request = oss.PutObjectTaggingRequest(bucket=BUCKET, key="kept", tagging=tags)
        self.failure("NotImplemented", client.put_object_tagging, request)
        request = oss.PutObjectAclRequest(bucket=BUCKET, key="kept", acl="public-read")
        self.failure("NotImplemented", client.put_object_acl, request)
        request = oss.GetObjectTaggingRequest(bucket=BUCKET, key="kept")
        self.assertEqual(self.failure("NotImplemented", client.get_object_tagging, request).status_code, 400)
        self.failure("NotImplemented", client.get_bucket_stat, oss.GetBucketStatRequest(bucket=BUCKET))
        self.failure("NotImplemented", client.list_multipart_uploads, oss.ListMultipartUploadsRequest(bucket=BUCKET))
        self.assertEqual(get("kept").body.content, b"x")


if __name__ == "__main__":
    unittest.main()
