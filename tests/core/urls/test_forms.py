"""One complete URL: what it names, or why it is left alone."""

import pytest

from url_rewriter.urls import Form, Grammar, Left, ObjectRef, Occurrence, Remark, find, parse

OBJECTS = [
    ("gs://data/a.png", Form.GS, "data", "a.png"),
    ("Gs://data/A.png", Form.GS, "data", "A.png"),
    ("gs://data/a%2Fb?x#y", Form.GS, "data", "a%2Fb?x#y"),
    ("gs://data/a#12#34", Form.GS, "data", "a#12"),
    ("gcs://my_data.example.com/a/b", Form.GCS, "my_data.example.com", "a/b"),
    ("https://storage.googleapis.com/data/a+b", Form.PATH, "data", "a+b"),
    ("HTTPS://Storage.GoogleAPIs.Com/data/A", Form.PATH, "data", "A"),
    ("http://storage.googleapis.com:80/data/a", Form.PATH, "data", "a"),
    ("https://storage.googleapis.com./data/a", Form.PATH, "data", "a"),
    ("https://storage.googleapis.com:/data/a", Form.PATH, "data", "a"),
    ("https://storage%2Egoogleapis%2Ecom/data/a", Form.PATH, "data", "a"),
    ("https://storage.googleapis.com/my%2Ddata/a", Form.PATH, "my-data", "a"),
    ("https://storage.googleapis.com/data//a//b", Form.PATH, "data", "/a//b"),
    ("https://storage.googleapis.com/data/a%2520b", Form.PATH, "data", "a%20b"),
    ("https://storage.googleapis.com/data/100%", Form.PATH, "data", "100%"),
    ("https://storage.googleapis.com/data/a%3Fb%23c", Form.PATH, "data", "a?b#c"),
    ("https://storage.googleapis.com/data/%E2%84%AB", Form.PATH, "data", "\u212b"),
    ("https://storage.googleapis.com/data/x;y=1", Form.PATH, "data", "x;y=1"),
    ("https://storage.googleapis.com/download/x.zip", Form.PATH, "download", "x.zip"),
    ("https://storage.googleapis.com/storage/x.zip", Form.PATH, "storage", "x.zip"),
    ("https://storage.googleapis.com/batch/x.zip", Form.PATH, "batch", "x.zip"),
    ("https://storage.mtls.googleapis.com/data/a", Form.PATH, "data", "a"),
    ("https://storage.us.rep.googleapis.com/data/a", Form.PATH, "data", "a"),
    ("https://europe-west1-storage.googleapis.com/data/a", Form.PATH, "data", "a"),
    ("https://commondatastorage.googleapis.com/data/a", Form.PATH, "data", "a"),
    ("//storage.googleapis.com/data/a", Form.PATH, "data", "a"),
    ("storage.googleapis.com/data/a.png", Form.PATH, "data", "a.png"),
    ("https://Data.storage.googleapis.com/A", Form.VHOST, "data", "A"),
    ("https://a.b_c.storage.googleapis.com/k", Form.VHOST, "a.b_c", "k"),
    ("https://data.storage.googleapis.com//k", Form.VHOST, "data", "/k"),
    ("https://data.storage.europe-west1.rep.googleapis.com/k", Form.VHOST, "data", "k"),
    ("//data.storage.googleapis.com/k", Form.VHOST, "data", "k"),
    ("data.storage.googleapis.com/k", Form.VHOST, "data", "k"),
    ("https://storage.cloud.google.com/data/a?authuser=2", Form.AUTHBROWSER, "data", "a"),
    ("https://www.googleapis.com/storage/v1/b/data/o/a%2Fb", Form.JSON, "data", "a/b"),
    ("https://www.googleapis.com/storage/v1beta2/b/data/o/a", Form.JSON, "data", "a"),
    ("https://storage.googleapis.com/storage/v1_internal/b/data/o/a", Form.JSON, "data", "a"),
    ("https://storage.googleapis.com/storage/v1/b/data/o/x/o/y", Form.JSON, "data", "x/o/y"),
    ("https://storage.googleapis.com/storage/v1/b/data/o/x%2Facl", Form.JSON, "data", "x/acl"),
    ("https://storage.googleapis.com/storage/v1/b/data/o/acl", Form.JSON, "data", "acl"),
    (
        "https://storage.googleapis.com/download/storage/v1/b/data/o/a?alt=media",
        Form.JSON_DOWNLOAD,
        "data",
        "a",
    ),
    (
        "https://00ff-apidata.googleusercontent.com/download/storage/v1/b/data/o/a?jk=x",
        Form.APIDATA,
        "data",
        "a",
    ),
    (
        "https://firebasestorage.googleapis.com/v0/b/x.appspot.com/o/a%2Fb%20c.png?alt=media&token=t",
        Form.FIREBASE,
        "x.appspot.com",
        "a/b c.png",
    ),
    ("//firebasestorage.googleapis.com/v0/b/data/o/a", Form.FIREBASE, "data", "a"),
    ("https://firebasestorage.googleapis.com/v0/b/data/o/x/o/y", Form.FIREBASE, "data", "x/o/y"),
    ("https://firebasestorage.clients6.google.com/v0/b/data/o/a", Form.FIREBASE, "data", "a"),
    (
        "https://x.firebasestorage.app/v0/b/x.firebasestorage.app/o/a",
        Form.FIREBASE_APP_HOST,
        "x.firebasestorage.app",
        "a",
    ),
    (
        "https://console.cloud.google.com/storage/browser/_details/data/a/b.csv;tab=x?project=p",
        Form.CONSOLE,
        "data",
        "a/b.csv",
    ),
    (
        "https://console.developers.google.com/m/cloudstorage/b/data/o/a%2Fb",
        Form.CONSOLE_DOWNLOAD,
        "data",
        "a/b",
    ),
    ("https://www.googleapis.com/storage/v1/data/a/b#12", Form.GOGETTER, "data", "a/b"),
    ("https://cdn.example.com/a%20b", Form.HOST, "media", "a b"),
    ("http://files.test:8443/a", Form.HOST, "files", "a"),
    ("https://s3.test/data/a%20b", Form.TARGET, "data", "a b"),
    ("https://s3.test:443/data/a", Form.TARGET, "data", "a"),
    ("https://S3.TEST/data/a", Form.TARGET, "data", "a"),
]

LEFT = [
    ("gs://data", Remark.BUCKET_ROOT),
    ("gs://data/", Remark.BUCKET_ROOT),
    ("https://storage.googleapis.com/data", Remark.BUCKET_ROOT),
    ("https://storage.googleapis.com/data/", Remark.BUCKET_ROOT),
    ("https://storage.googleapis.com/data/?cors", Remark.BUCKET_ROOT),
    ("https://data.storage.googleapis.com", Remark.BUCKET_ROOT),
    ("//data.storage.googleapis.com/", Remark.BUCKET_ROOT),
    ("storage.googleapis.com/data/", Remark.BUCKET_ROOT),
    ("https://storage.cloud.google.com/data", Remark.BUCKET_ROOT),
    ("https://cdn.example.com/", Remark.BUCKET_ROOT),
    ("https://storage.googleapis.com/data?prefix=a/&delimiter=/", Remark.LISTING),
    ("https://data.storage.googleapis.com/?list-type=2", Remark.LISTING),
    ("https://storage.googleapis.com/storage/v1/b/data", Remark.LISTING),
    ("https://storage.googleapis.com/storage/v1/b/data/o", Remark.LISTING),
    ("https://storage.googleapis.com/storage/v1/b/data/o/", Remark.LISTING),
    ("https://storage.googleapis.com/storage/v1/b/data/iam", Remark.LISTING),
    ("https://storage.googleapis.com/storage/v1/b?project=p", Remark.LISTING),
    ("https://firebasestorage.googleapis.com/v0/b/data/o", Remark.LISTING),
    ("https://firebasestorage.googleapis.com/v0/b/data/o?name=a.png", Remark.UPLOAD),
    ("https://storage.googleapis.com/upload/storage/v1/b/data/o?name=a", Remark.UPLOAD),
    ("https://www.googleapis.com/resumable/upload/storage/v1/b/data/o", Remark.UPLOAD),
    ("https://storage-upload.googleapis.com/data/a", Remark.UPLOAD),
    ("https://storage.googleapis.com/data/a?uploads", Remark.UPLOAD),
    ("https://storage.googleapis.com/data/a?uploadId=x&partNumber=1", Remark.UPLOAD),
    ("https://data.storage.googleapis.com/a?upload_id=x", Remark.UPLOAD),
    ("https://storage.googleapis.com/data/a?acl", Remark.SUB_OPERATION),
    ("https://storage.googleapis.com/data/a?compose", Remark.SUB_OPERATION),
    ("https://storage.googleapis.com/storage/v1/b/data/o/a/acl", Remark.SUB_OPERATION),
    ("https://storage.googleapis.com/storage/v1/b/data/o/a/acl/allUsers", Remark.SUB_OPERATION),
    ("https://www.googleapis.com/storage/v1/b/data/o/a/rewriteTo/b/x/o/y", Remark.SUB_OPERATION),
    ("https://storage.googleapis.com/", Remark.SERVICE),
    ("https://www.googleapis.com/auth/devstorage.read_only", Remark.SERVICE),
    ("https://www.googleapis.com/discovery/v1/apis/storage/v1/rest", Remark.SERVICE),
    ("https://c.storage.googleapis.com/a", Remark.SERVICE),
    ("https://storage.googleapis.com/storage/v1/projects/p/serviceAccount", Remark.SERVICE),
    ("https://console.cloud.google.com/storage/browser/data/a;tab=objects", Remark.CONSOLE_LISTING),
    ("//storage.googleapis.com/projects/_/buckets/data/objects/a", Remark.RESOURCE_NAME),
    ("https://sandbox.google.com/storage/data/a", Remark.RETIRED_HOST),
    ("https://storage-mine.p.googleapis.com/data/a", Remark.PRIVATE_ENDPOINT),
    ("https://storage.googleapis.com.evil.com/data/a", Remark.LOOKALIKE_HOST),
    ("https://notstorage.googleapis.com/data/a", Remark.LOOKALIKE_HOST),
    ("https://storage-googleapis.com/data/a", Remark.LOOKALIKE_HOST),
    ("https://storage.googleapis.com@evil.com/googleapis", Remark.LOOKALIKE_HOST),
    ("https://storage.googleapis.com:443@evil.com/data/a", Remark.LOOKALIKE_HOST),
    ("https://u:p@storage.googleapis.com/data/a", Remark.USERINFO),
    ("gs://u@data/a", Remark.USERINFO),
    ("https://storage.googleapis.com:8443/data/a", Remark.ODD_PORT),
    ("http://storage.googleapis.com:443/data/a", Remark.ODD_PORT),
    ("https://storage.googleapis.com/${BUCKET}/a", Remark.TEMPLATE),
    ("https://storage.googleapis.com/{bucket}/a", Remark.TEMPLATE),
    ("https://storage.googleapis.com/%s/%s", Remark.TEMPLATE),
    ("https://storage.googleapis.com/<bucket>/a", Remark.TEMPLATE),
    ("https://storage.googleapis.com/data/${name}.png", Remark.TEMPLATE),
    ("https://storage.googleapis.com/data/{uid}/a.png", Remark.TEMPLATE),
    ("https://storage.googleapis.com/data/<%= name %>.png", Remark.TEMPLATE),
    ("gs://BUCKET_NAME/a", Remark.TEMPLATE),
    ("gs://<bucket>/a", Remark.TEMPLATE),
    ("gs://data/*", Remark.WILDCARD),
    ("gs://data/a/**", Remark.WILDCARD),
    ("gs://data/part-*.csv", Remark.WILDCARD),
    ("https://storage.googleapis.com/data/*", Remark.WILDCARD),
    ("https://storage.googleapis.com/Data/a", Remark.INVALID_BUCKET),
    ("https://storage.googleapis.com/10.0.0.1/a", Remark.INVALID_BUCKET),
    ("https://storage.googleapis.com/a..b/a", Remark.INVALID_BUCKET),
    ("https://storage.googleapis.com//data/a", Remark.INVALID_BUCKET),
    ("https://storage.googleapis.com/data%2Fa/b", Remark.INVALID_BUCKET),
    (f"gs://{'a' * 64}/a", Remark.INVALID_BUCKET),
    ("https://storage.googleapis.com/example.com:project/a", Remark.INVALID_BUCKET),
    (f"gs://data/{'k' * 1025}", Remark.INVALID_KEY),
    ("https://storage.googleapis.com/data/a%0Ab", Remark.INVALID_KEY),
    ("https://storage.googleapis.com/data/a/../b", Remark.UNADDRESSABLE_KEY),
    ("https://storage.googleapis.com/data/%2e%2E/b", Remark.UNADDRESSABLE_KEY),
    ("https://storage.googleapis.com/data/a%2F.", Remark.UNADDRESSABLE_KEY),
    ("https://storage.googleapis.com/data/%FF", Remark.INVALID_UTF8),
    ("gs://data/\ud800", Remark.INVALID_UTF8),
    ("https://cdn.test/a?X-Goog-Credential=a%2Fb&X-Goog-Signature=0", Remark.SIGNED_FOREIGN_URL),
]

NOTHING = [
    "",
    "gs:",
    "gs://",
    "logs://data/a",
    "x-gs://data/a",
    "https://evil.com/v0/b/data/o/a",
    "https://fonts.googleapis.com/css?family=Inter",
    "https://www.googleapis.com/books/v1/volumes",
    "https://lh3.googleusercontent.com/a/b",
    "https://x.appspot.com/a",
    "https://console.cloud.google.com/iam-admin",
    "https://s3.amazonaws.com/data/a",
    "https://s3.test",
    "https://s3.test/data",
    "https://s3.test/data/",
    "https://s3.test.evil.com/data/a",
    "https://s3.test:9000/data/a",
]

# Nothing that can be rewritten; but it names Cloud Storage, and must not pass in silence.
UNREAD = [
    "gs:/data/a",
    "ftp://storage.googleapis.com/data/a",
    "https://evil.com/storage.googleapis.com/data/a",
    "https://evil.com?x=firebasestorage.googleapis.com",
    "https://evil.com//storage.googleapis.com/data/a",
    "https://evil.com\\@storage.googleapis.com/data/a",
    "storage.googleapis.com",
    "storage.googleapis.com/Bucket",
    "storage.googleapis.com/network/sent_bytes_count",
    "storage.googleapis.com/api/request_count",
    "cdn.example.com/a",
]


@pytest.mark.parametrize(("url", "form", "bucket", "key"), OBJECTS)
def test_a_spelling_of_an_object_names_its_bucket_and_key(
    grammar: Grammar, url: str, form: Form, bucket: str, key: str
) -> None:
    read = parse(url, grammar)
    assert isinstance(read, Occurrence)
    assert (read.form, read.readings[0].source) == (form, ObjectRef(bucket, key))
    assert (read.start, read.end) == (0, len(url))


@pytest.mark.parametrize(("url", "remark"), LEFT)
def test_what_only_comes_near_an_object_is_left_with_the_reason(
    grammar: Grammar, url: str, remark: Remark
) -> None:
    read = parse(url, grammar)
    assert isinstance(read, Left)
    assert read.remark is remark


@pytest.mark.parametrize("url", UNREAD)
def test_what_names_cloud_storage_and_cannot_be_read_is_reported(
    grammar: Grammar, url: str
) -> None:
    found = find(url, grammar)
    assert found.occurrences == ()
    assert [left.remark for left in found.left] == [Remark.UNREAD]


@pytest.mark.parametrize("url", NOTHING)
def test_somebody_elses_url_is_nothing_of_ours(grammar: Grammar, url: str) -> None:
    assert parse(url, grammar) is None


@pytest.mark.parametrize(
    ("query", "remarks", "kept"),
    [
        ("X-Goog-Signature=0&X-Goog-Date=1", [Remark.DROPPED_SIGNATURE], ""),
        ("x-amz-signature=0", [Remark.DROPPED_SIGNATURE], ""),
        ("GoogleAccessId=a&Expires=1&Signature=b", [Remark.DROPPED_SIGNATURE], ""),
        ("alt=media&token=t", [Remark.DROPPED_PARAMETERS, Remark.DROPPED_TOKEN], ""),
        ("generation=1", [Remark.DROPPED_GENERATION], ""),
        ("response-content-type=image%2Fpng", [Remark.DROPPED_PARAMETERS], ""),
        ("v=3&alt=media&w=1", [Remark.DROPPED_PARAMETERS, Remark.DROPPED_QUERY], "v=3&w=1"),
        ("ifGenerationMatch=1", [Remark.DROPPED_PARAMETERS], ""),
    ],
)
def test_every_class_of_dropped_parameters_is_told(
    query: str, remarks: list[Remark], kept: str
) -> None:
    read = parse(f"https://storage.googleapis.com/data/a?{query}#t=1")
    assert isinstance(read, Occurrence)
    assert list(read.remarks) == remarks
    assert (read.readings[0].query, read.readings[0].fragment) == (kept, "t=1")


@pytest.mark.parametrize(
    ("key", "remarks"),
    [
        ("a", ()),
        ("/a", (Remark.SLASHES,)),
        ("a//b", (Remark.SLASHES,)),
        ("a/", (Remark.TRAILING_SLASH,)),
    ],
)
def test_keys_that_s3_servers_may_refuse_are_told(key: str, remarks: tuple[Remark, ...]) -> None:
    read = parse(f"gs://data/{key}")
    assert isinstance(read, Occurrence)
    assert read.remarks == remarks


def test_a_target_endpoint_may_have_a_path_that_ends_at_a_segment() -> None:
    grammar = Grammar(targets=("http://minio:9000/store/",))
    read = parse("http://minio:9000/store/data/a", grammar)
    assert isinstance(read, Occurrence)
    assert read.readings[0].source == ObjectRef("data", "a")
    assert parse("http://minio:9000/storeroom/data/a", grammar) is None


def test_a_url_behind_one_of_the_target_is_a_url_of_its_own(grammar: Grammar) -> None:
    found = find("https://s3.test/data/x/https://storage.googleapis.com/data/a", grammar)
    assert [each.form for each in found.occurrences] == [Form.TARGET, Form.PATH]


@pytest.mark.parametrize("url", ["http://s3.test/data/a", "//s3.test/data/a"])
def test_the_twins_of_a_target_name_what_it_names(grammar: Grammar, url: str) -> None:
    (occurrence,) = find(f'<img src="{url}">', grammar).occurrences
    assert occurrence.form is Form.TARGET
    assert occurrence.readings[0].source == ObjectRef("data", "a")


@pytest.mark.parametrize(
    "token",
    [
        "0b5c1f0e-6a0e-4b3c-9b0a-5f2f7f3b9a11",
        "V1StGXR8_Z5jdHi6B-myT",
        "my-own_token-1",
        "0f-1",
        "abc",
    ],
)
def test_a_download_token_is_taken_whole_whatever_made_it(token: str) -> None:
    text = f"https://firebasestorage.googleapis.com/v0/b/data/o/a.png?alt=media&token={token}"
    for behind in ("", ",active", " and more", "\n"):
        ((occurrence,), _) = find(text + behind)
        (reading,) = occurrence.readings
        assert (reading.source, reading.end) == (ObjectRef("data", "a.png"), len(text))
