/* S3's documents under the application's names. The application asks for shop-eu, shop-us answers.
 */
#include "proxy/gateway/regional_id.h"
#include "proxy/gateway/xml_map.h"
#include "tests/unit/map_scene.h"

#include <errno.h>

#define EU_HOST "shop-eu.s3.eu-west-1.amazonaws.com"
#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static struct map_scene scene;
static char mark[16];

static int setup(void **unused)
{
    struct text text = {0};
    (void)unused;
    scene_open(&scene, BUCKET_CONFIG);
    scene_activate(&scene, US);
    regional_id_mark(scene.config, US, &text);
    snprintf(mark, sizeof mark, "%s", text.data);
    text_fini(&text);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    scene_close(&scene);
    return 0;
}

static void expect(
    enum names_direction direction, const char *in, size_t piece, const char *expected)
{
    struct text out = {0};
    struct xml_map *map = xml_map_new(&scene.map.names, direction);
    for (size_t at = 0; at < strlen(in); at += piece) {
        size_t left = strlen(in) - at;
        assert_int_equal(xml_map_push(map, span_of(in + at, left < piece ? left : piece), &out), 0);
    }
    assert_int_equal(xml_map_finish(map, &out), 0);
    assert_string_equal(out.data, expected);
    xml_map_free(map);
    text_fini(&out);
}

static void comes_back(const char *in, const char *expected)
{
    expect(NAMES_TO_APP, in, strlen(in), expected);
    expect(NAMES_TO_APP, in, 1, expected);
}

static void goes_out(const char *in, const char *expected)
{
    expect(NAMES_TO_S3, in, strlen(in), expected);
    expect(NAMES_TO_S3, in, 1, expected);
}

static void ask(const char *method, const char *target)
{
    scene_good(&scene, method, EU_HOST, target);
}

static void lists_are_of_the_applications_bucket_and_keys_stay(void **unused)
{
    char expected[512];
    (void)unused;
    ask("GET", "/");
    comes_back(HEAD "<ListBucketResult" NS "><Name>shop-us</Name><Prefix>shop-us</Prefix><Contents>"
                    "<Key>shop-us</Key><Name>shop-us</Name></Contents></ListBucketResult>",
        HEAD "<ListBucketResult" NS "><Name>shop-eu</Name><Prefix>shop-us</Prefix><Contents>"
             "<Key>shop-us</Key><Name>shop-us</Name></Contents></ListBucketResult>");
    comes_back(
        "<ListVersionsResult><Name>shop-us</Name><Version><Key>&lt;Name>shop-us&lt;/Name></Key>"
        "</Version></ListVersionsResult>",
        "<ListVersionsResult><Name>shop-eu</Name><Version><Key>&lt;Name>shop-us&lt;/Name></Key>"
        "</Version></ListVersionsResult>");
    snprintf(expected, sizeof expected,
        "<ListBucketResult><ContinuationToken>%sa</ContinuationToken>"
        "<NextContinuationToken>%sb&amp;=</NextContinuationToken></ListBucketResult>",
        mark, mark);
    comes_back("<ListBucketResult><ContinuationToken>a</ContinuationToken>"
               "<NextContinuationToken>b&amp;=</NextContinuationToken></ListBucketResult>",
        expected);
}

static void multipart_uploads_are_the_applications_from_begin_to_end(void **unused)
{
    char expected[512];
    (void)unused;
    ask("POST", "/k?uploads");
    snprintf(expected, sizeof expected,
        "<InitiateMultipartUploadResult" NS "><Bucket>shop-eu</Bucket><Key>k</Key>"
        "<UploadId>%sid</UploadId></InitiateMultipartUploadResult>",
        mark);
    comes_back("<InitiateMultipartUploadResult" NS "><Bucket>shop-us</Bucket><Key>k</Key>"
               "<UploadId>id</UploadId></InitiateMultipartUploadResult>",
        expected);
    snprintf(expected, sizeof expected,
        "<ListPartsResult><Bucket>shop-eu</Bucket><UploadId>%sid</UploadId></ListPartsResult>",
        mark);
    comes_back("<ListPartsResult><Bucket>shop-us</Bucket><UploadId>id</UploadId></ListPartsResult>",
        expected);
    snprintf(expected, sizeof expected,
        "<ListMultipartUploadsResult><Bucket>shop-eu</Bucket><UploadIdMarker/><NextUploadIdMarker>"
        "%sa</NextUploadIdMarker><Upload><UploadId>%sb</UploadId></Upload>"
        "</ListMultipartUploadsResult>",
        mark, mark);
    comes_back("<ListMultipartUploadsResult><Bucket>shop-us</Bucket><UploadIdMarker/>"
               "<NextUploadIdMarker>a</NextUploadIdMarker><Upload><UploadId>b</UploadId></Upload>"
               "</ListMultipartUploadsResult>",
        expected);
    comes_back("  \n<CompleteMultipartUploadResult><Location>https://shop-us.s3.us-west-2."
               "amazonaws.com/a%20b</Location><Bucket>shop-us</Bucket><Key>shop-us</Key>"
               "</CompleteMultipartUploadResult>",
        "  \n<CompleteMultipartUploadResult><Location>http://" EU_HOST "/a%20b</Location><Bucket>"
        "shop-eu</Bucket><Key>shop-us</Key></CompleteMultipartUploadResult>");
}

static void ids_bear_no_mark_where_the_applications_own_region_answers(void **unused)
{
    (void)unused;
    scene_activate(&scene, EU);
    scene_good(&scene, "GET", "127.0.0.80", "/shop-eu?uploads");
    comes_back("<InitiateMultipartUploadResult><UploadId>id</UploadId>"
               "</InitiateMultipartUploadResult>",
        "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>");
}

static void errors_name_what_the_application_asked_for(void **unused)
{
    (void)unused;
    ask("GET", "/a%20b");
    comes_back(HEAD "<Error><Code>NoSuchKey</Code><BucketName>shop-us</BucketName><Bucket>shop-us"
                    "</Bucket><Key>shop-us</Key><Resource>/shop-us/a b</Resource><Region>us-west-2"
                    "</Region><Endpoint>shop-us.s3.us-west-2.amazonaws.com</Endpoint></Error>",
        HEAD "<Error><Code>NoSuchKey</Code><BucketName>shop-eu</BucketName><Bucket>shop-eu"
             "</Bucket><Key>shop-us</Key><Resource>/shop-eu/a b</Resource><Region>eu-west-1"
             "</Region><Endpoint>" EU_HOST "</Endpoint></Error>");
    comes_back("<Error><Resource>/a b</Resource><Region>ap-south-1</Region></Error>",
        "<Error><Resource>/a b</Resource><Region>ap-south-1</Region></Error>");
    ask("GET", "/shop-us/%20");
    comes_back("<Error><Resource>/shop-us/ </Resource></Error>",
        "<Error><Resource>/shop-us/ </Resource></Error>"); /* the key itself */
    comes_back("<Error><Resource>/shop-us/shop-us/ </Resource></Error>",
        "<Error><Resource>/shop-eu/shop-us/ </Resource></Error>");
}

static void the_location_is_the_region_that_the_application_knows(void **unused)
{
    (void)unused;
    ask("GET", "/?location");
    comes_back("<LocationConstraint" NS ">us-west-2</LocationConstraint>",
        "<LocationConstraint" NS ">eu-west-1</LocationConstraint>");
    comes_back("<LocationConstraint>ap-south-1</LocationConstraint>",
        "<LocationConstraint>ap-south-1</LocationConstraint>");
}

#define VIRGINIA                                                                                   \
    "{\"regions\": [\"eu-west-1\", \"us-east-1\"], \"endpoints\": {\"assets\": {\"type\": "        \
    "\"bucket\", \"buckets\": {\"eu-west-1\": \"shop-eu\", \"us-east-1\": \"shop-us\"}}}}"

static void us_east_1_is_the_location_without_a_name(void **unused)
{
    (void)unused;
    scene_close(&scene);
    scene_open(&scene, VIRGINIA);
    scene_activate(&scene, US);
    ask("GET", "/?location");
    comes_back(
        "<LocationConstraint" NS "/>", "<LocationConstraint" NS ">eu-west-1</LocationConstraint>");
    comes_back("<LocationConstraint></LocationConstraint>",
        "<LocationConstraint>eu-west-1</LocationConstraint>");
    ask("PUT", "/");
    goes_out("<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
             "</CreateBucketConfiguration>",
        "<CreateBucketConfiguration><LocationConstraint></LocationConstraint>"
        "</CreateBucketConfiguration>");
    scene_activate(&scene, EU);
    scene_good(&scene, "GET", "shop-us.s3.amazonaws.com", "/?location");
    comes_back(
        "<LocationConstraint>EU</LocationConstraint>", "<LocationConstraint></LocationConstraint>");
}

static void a_new_bucket_is_made_where_the_endpoint_is(void **unused)
{
    (void)unused;
    ask("PUT", "/");
    goes_out("<CreateBucketConfiguration" NS "><LocationConstraint>eu-west-1</LocationConstraint>"
             "</CreateBucketConfiguration>",
        "<CreateBucketConfiguration" NS "><LocationConstraint>us-west-2</LocationConstraint>"
        "</CreateBucketConfiguration>");
    goes_out("<CreateBucketConfiguration><LocationConstraint>ap-south-1</LocationConstraint>"
             "</CreateBucketConfiguration>",
        "<CreateBucketConfiguration><LocationConstraint>ap-south-1</LocationConstraint>"
        "</CreateBucketConfiguration>");
}

/* Written, and read back. */
static void there_and_back(const char *app, const char *s3)
{
    goes_out(app, s3);
    comes_back(s3, app);
}

static void configurations_name_the_bucket_that_is_active(void **unused)
{
    (void)unused;
    ask("PUT", "/?logging");
    there_and_back("<BucketLoggingStatus><LoggingEnabled><TargetBucket>shop.logs.eu</TargetBucket>"
                   "<TargetPrefix>shop-eu/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>",
        "<BucketLoggingStatus><LoggingEnabled><TargetBucket>shop.logs.us</TargetBucket>"
        "<TargetPrefix>shop-eu/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>");
    there_and_back(
        "<InventoryConfiguration><Destination><S3BucketDestination><Bucket>arn:aws:s3:::"
        "shop.logs.eu</Bucket></S3BucketDestination></Destination></InventoryConfiguration>",
        "<InventoryConfiguration><Destination><S3BucketDestination><Bucket>arn:aws:s3:::"
        "shop.logs.us</Bucket></S3BucketDestination></Destination></InventoryConfiguration>");
    there_and_back("<AnalyticsConfiguration><StorageClassAnalysis><DataExport><Destination>"
                   "<S3BucketDestination><Bucket>arn:aws:s3:::shop.logs.eu</Bucket>"
                   "</S3BucketDestination></Destination></DataExport></StorageClassAnalysis>"
                   "</AnalyticsConfiguration>",
        "<AnalyticsConfiguration><StorageClassAnalysis><DataExport><Destination>"
        "<S3BucketDestination><Bucket>arn:aws:s3:::shop.logs.us</Bucket>"
        "</S3BucketDestination></Destination></DataExport></StorageClassAnalysis>"
        "</AnalyticsConfiguration>");
    goes_out("<RestoreRequest><OutputLocation><S3><BucketName>shop-us</BucketName></S3>"
             "</OutputLocation></RestoreRequest>",
        "<RestoreRequest><OutputLocation><S3><BucketName>shop-us</BucketName></S3>"
        "</OutputLocation></RestoreRequest>");
    goes_out("<RestoreRequest><OutputLocation><S3><BucketName>shop-eu</BucketName></S3>"
             "</OutputLocation></RestoreRequest>",
        "<RestoreRequest><OutputLocation><S3><BucketName>shop-us</BucketName></S3>"
        "</OutputLocation></RestoreRequest>");
    there_and_back("<BucketLoggingStatus><LoggingEnabled><TargetBucket>other</TargetBucket>"
                   "</LoggingEnabled></BucketLoggingStatus>",
        "<BucketLoggingStatus><LoggingEnabled><TargetBucket>other</TargetBucket>"
        "</LoggingEnabled></BucketLoggingStatus>");
}

#define REPLICATION(bucket)                                                                        \
    "<ReplicationConfiguration><Role>arn:aws:iam::1:role/shop-us</Role><Rule><Destination>"        \
    "<Bucket>" bucket "</Bucket></Destination></Rule></ReplicationConfiguration>"

static void a_replications_other_copy_stays_the_other_copy(void **unused)
{
    (void)unused;
    ask("PUT", "/?replication");
    there_and_back(REPLICATION("arn:aws:s3:::shop-us"), REPLICATION("arn:aws:s3:::shop-eu"));
    there_and_back(REPLICATION("arn:aws:s3:::other"), REPLICATION("arn:aws:s3:::other"));
}

#define ENTRY(name) "<Bucket><Name>" name "</Name><CreationDate>1</CreationDate></Bucket>"
#define LIST(entries)                                                                              \
    "<ListAllMyBucketsResult><Buckets>" entries "</Buckets></ListAllMyBucketsResult>"

static void a_list_of_buckets_shows_each_endpoint_once_under_the_applications_name(void **unused)
{
    (void)unused;
    scene_good(&scene, "GET", "s3.eu-west-1.amazonaws.com", "/");
    comes_back(LIST(ENTRY("a") ENTRY("shop-eu") ENTRY("shop-us") ENTRY("shop.logs.us") ENTRY("z")),
        LIST(ENTRY("a") ENTRY("shop-eu") ENTRY("shop.logs.eu") ENTRY("z")));
    comes_back(LIST("<Bucket><Name>shop-us</Name><BucketArn>arn:aws:s3:::shop-us</BucketArn>"
                    "<BucketRegion>us-west-2</BucketRegion></Bucket><Bucket><Name>other</Name>"
                    "<BucketRegion>us-west-2</BucketRegion></Bucket>"),
        LIST("<Bucket><Name>shop-eu</Name><BucketArn>arn:aws:s3:::shop-eu</BucketArn>"
             "<BucketRegion>eu-west-1</BucketRegion></Bucket><Bucket><Name>other</Name>"
             "<BucketRegion>us-west-2</BucketRegion></Bucket>"));
    scene_good(&scene, "GET", "s3.us-west-2.amazonaws.com", "/");
    comes_back(LIST(ENTRY("shop-eu") ENTRY("shop-us")), LIST(ENTRY("shop-us")));
}

static void a_document_of_another_kind_is_nobodys(void **unused)
{
    static const char *const documents[] = {"<Bucket>shop-us</Bucket>",
        "<Delete><Object><Key>shop-us</Key></Object><Bucket>shop-us</Bucket></Delete>",
        "<ListBucketResults><Name>shop-us</Name></ListBucketResults>",
        "<x><ListBucketResult><Name>shop-us</Name></ListBucketResult></x>"};
    (void)unused;
    ask("POST", "/?delete");
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        comes_back(documents[i], documents[i]);
        goes_out(documents[i], documents[i]);
    }
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(sentence, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_are_of_the_applications_bucket_and_keys_stay),
        TEST(multipart_uploads_are_the_applications_from_begin_to_end),
        TEST(ids_bear_no_mark_where_the_applications_own_region_answers),
        TEST(errors_name_what_the_application_asked_for),
        TEST(the_location_is_the_region_that_the_application_knows),
        TEST(us_east_1_is_the_location_without_a_name),
        TEST(a_new_bucket_is_made_where_the_endpoint_is),
        TEST(configurations_name_the_bucket_that_is_active),
        TEST(a_replications_other_copy_stays_the_other_copy),
        TEST(a_list_of_buckets_shows_each_endpoint_once_under_the_applications_name),
        TEST(a_document_of_another_kind_is_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
