#include "connect/s3_properties.h"

#include <utility>

#include "connect/common_properties.h"
#include "connect/declarations.h"

namespace millrace::connect {
namespace {

using enum PropertyType;
using enum Importance;

const char* const kNoSchemas =
    "files of JsonFormat hold records as they came, and those of ParquetFormat and "
    "AvroFormat have the columns of all records so far";
const char* const kNoNotes = "schemas of files hold no notes of Connect";
const char* const kKeys = "files hold values; `record: origin` of Millrace's own configuration has the key beside them";
const char* const kNoEncryption = "objects are encrypted as the bucket's own settings say";
const char* const kNoTags = "objects get no tags; the plans in `_millrace` hold offsets and counts of records";
const char* const kOwnUploads =
    "an object is put whole, in parts of 8 MiB where it is large, and again until it is there";
const char* const kNoProxy = "requests go to the bucket's service directly";

std::vector<std::string> Formats(bool with_bytes) {
  const std::string at = "io.confluent.connect.s3.format.";
  std::vector<std::string> names{at + "avro.AvroFormat", at + "json.JsonFormat"};
  if (with_bytes) names.push_back(at + "bytearray.ByteArrayFormat");
  names.push_back(at + "parquet.ParquetFormat");
  return names;
}

void AddConnector(Declarations& list) {
  list.Group("Connector")
      .Add("format.class", kClass, std::nullopt, kHigh, {"NONE", "Format class"},
           Honoured("JsonFormat: JSON lines (`record: json`; of StringConverter `text`). ByteArrayFormat: `record: "
                    "bytes`. ParquetFormat and AvroFormat: `encoding: parquet` or `avro`, by `format` of the table as "
                    "the converter says (of JsonConverter types are inferred), optional columns all of them"),
           "What the files are.")
      .Required()
      .OneOf(Formats(true))
      .Add(
          "flush.size", kInt, std::nullopt, kHigh, {"LONG", "Flush Size"},
          Honoured("`file_rows`: no file has more records, and full ones are written at once, or within a minute where "
                   "others are under way. One may have fewer: what has come is written after `buffer_time` (the rotate "
                   "intervals; 10 minutes where there are none) or `buffer_size`"),
          "How many records a file gets.")
      .Required()
      .Add("rotate.interval.ms", kLong, "-1", kHigh, {"MEDIUM", "Rotate Interval (ms)"},
           Honoured("`file_span`: a file ends before a record whose time is this long after its first one's; that time "
                    "is the record's own, whichever the extractor"),
           "How far apart the times of a file's records are.")
      .Add("rotate.schedule.interval.ms", kLong, "-1", kMedium, {"MEDIUM", "Rotate Schedule Interval (ms)"},
           Honoured("`buffer_time`, from the first record that waits"), "How often files are written by the clock.")
      .Add("schema.cache.size", kInt, "1000", kLow, {"LONG", "Schema Cache Size"}, NoMeaning(kNoSchemas),
           "How many schemas are kept.")
      .Add("enhanced.avro.schema.support", kBoolean, "false", kLow, {"SHORT", "Enhanced Avro Support"},
           Honoured("false: enums are text; true is refused with ParquetFormat and AvroFormat, and has no meaning "
                    "without"),
           "Whether enums of Avro survive.")
      .Add("connect.meta.data", kBoolean, "true", kLow, {"SHORT", "Connect Metadata"}, NoMeaning(kNoNotes),
           "Whether Connect's own notes are in schemas.")
      .Add("retry.backoff.ms", kLong, "5000", kLow, {"MEDIUM", "Retry Backoff (ms)"}, NoMeaning(kOwnUploads),
           "How long after a failure is tried again.")
      .Add("shutdown.timeout.ms", kLong, "3000", kMedium, {"MEDIUM", "Shutdown Timeout (ms)"},
           NoMeaning("there is no Hive to wait for"), "How long a stop waits.")
      .Add("filename.offset.zero.pad.width", kInt, "10", kLow, {"LONG", "Filename Offset Zero Pad Width"},
           Honoured("`name`: the width of `offset`"), "How many digits the offset in a name has.")
      .Between(0, 20)
      .Add("avro.codec", kString, "null", kLow, {"MEDIUM", "Avro Compression Codec"},
           Honoured("`compression` of AvroFormat: null, deflate and snappy; bzip2 is refused"),
           "How files of Avro are compressed.")
      .OneOf({"null", "deflate", "snappy", "bzip2"})
      .Add("parquet.codec", kString, "snappy", kLow, {"LONG", "Parquet Compression Codec"},
           Honoured("`compression` of ParquetFormat: none, snappy, gzip and zstd; others are refused"),
           "How files of Parquet are compressed.");
}

void AddBucket(Declarations& list) {
  list.Group("S3")
      .Add("s3.bucket.name", kString, std::nullopt, kHigh, {"LONG", "S3 Bucket"},
           Honoured("`files.location`: s3://bucket/topics.dir"), "The bucket.")
      .Required()
      .NonEmpty()
      .Add("s3.object.tagging", kBoolean, "false", kLow, {"LONG", "S3 Object Tagging"}, Refused(kNoTags),
           "Whether objects are tagged with offsets and counts.")
      .Add("s3.object.tagging.key.value.pairs", kList, "", kLow, {"LONG", "S3 Object Tagging Extra Key Value pairs"},
           Refused(kNoTags), "More tags.")
      .Add("s3.object.behavior.on.tagging.error", kString, "ignore", kLow,
           {"SHORT", "Behavior for S3 object tagging error"}, NoMeaning("objects get no tags"),
           "What a failure to tag does.")
      .OneOfAnyCase({"ignore", "fail"})
      .Add("s3.region", kString, "us-west-2", kMedium, {"LONG", "AWS region"}, Honoured("`files.s3.region`"),
           "The bucket's region.")
      .Add("s3.part.size", kInt, "26214400", kHigh, {"LONG", "S3 Part Size"}, NoMeaning(kOwnUploads),
           "How large a part of an upload is.")
      .Add("s3.credentials.provider.class", kClass, "com.amazonaws.auth.DefaultAWSCredentialsProviderChain", kLow,
           {"LONG", "AWS Credentials Provider Class"},
           Refused("keys are given, or looked for where AWS's own tools look: the environment, ~/.aws, a web identity, "
                   "the container's and the instance's endpoints; take a profile with role_arn for roles"),
           "The class that finds credentials.")
      .Allowing({"com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
                 "com.amazonaws.auth.InstanceProfileCredentialsProvider",
                 "com.amazonaws.auth.WebIdentityTokenCredentialsProvider",
                 "com.amazonaws.auth.EC2ContainerCredentialsProviderWrapper",
                 "com.amazonaws.auth.profile.ProfileCredentialsProvider"})
      .Add("aws.access.key.id", kString, "", kHigh, {"LONG", "AWS Access Key ID"}, Honoured("`files.s3.access_key`"),
           "The id of an access key.")
      .Add("aws.secret.access.key", kPassword, "[hidden]", kHigh, {"LONG", "AWS Secret Access Key"},
           Honoured("`files.s3.secret_key`"), "Its secret.")
      .Add("s3.ssea.name", kString, "", kLow, {"LONG", "S3 Server Side Encryption Algorithm"}, Refused(kNoEncryption),
           "How objects are encrypted.")
      .Add("s3.sse.customer.key", kPassword, "[hidden]", kLow,
           {"LONG", "S3 Server Side Encryption Customer-Provided Key (SSE-C)"}, Refused(kNoEncryption),
           "The key they are encrypted with.")
      .Add("s3.sse.kms.key.id", kString, "", kLow, {"LONG", "S3 Server Side Encryption Key"}, Refused(kNoEncryption),
           "The key of KMS they are encrypted with.")
      .Add("s3.acl.canned", kString, std::nullopt, kLow, {"LONG", "S3 Canned ACL"},
           Refused("objects have the access that the bucket gives them"), "Who may read objects.")
      .Add("s3.wan.mode", kBoolean, "false", kMedium, {"LONG", "S3 accelerated endpoint enabled"},
           Refused("give the accelerated endpoint as store.url"), "Whether the accelerated endpoint is taken.");
}

void AddFiles(Declarations& list) {
  list.Add("s3.compression.type", kString, "none", kLow, {"LONG", "Compression type"},
           Honoured("`compression`; ParquetFormat and AvroFormat have codecs of their own"),
           "How files are compressed.")
      .OneOf({"none", "gzip"})
      .Add("s3.compression.level", kInt, "-1", kLow, {"LONG", "Compression Level"},
           Honoured("`level`; -1 is 6, and 0 is 1"), "How hard it tries.")
      .Between(-1, 9)
      .Add("json.decimal.format", kString, "BASE64", kMedium, {"MEDIUM", "Decimal Format"}, NoMeaning(kNoSchemas),
           "How decimals are written in JSON.")
      .OneOfAnyCase({"BASE64", "NUMERIC"})
      .Add("s3.part.retries", kInt, "3", kMedium, {"LONG", "S3 Part Upload Retries"}, NoMeaning(kOwnUploads),
           "How often an upload is tried again.")
      .AtLeast(0)
      .Add("s3.retry.backoff.ms", kLong, "200", kLow, {"SHORT", "Retry Backoff (ms)"}, NoMeaning(kOwnUploads),
           "How long after a failure.")
      .AtLeast(0)
      .Add("format.bytearray.extension", kString, ".bin", kLow, {"LONG", "Output file extension for ByteArrayFormat"},
           Honoured("`extension`"), "What names of files of bytes end in.")
      .Add("format.bytearray.separator", kString, std::nullopt, kLow, {"LONG", "Line separator ByteArrayFormat"},
           Honoured("`separator`; a line end where it is not given"), "What stands after each record of bytes.")
      .Add("s3.proxy.url", kString, "", kLow, {"LONG", "S3 Proxy Settings"}, Refused(kNoProxy), "A proxy.")
      .Add("s3.proxy.user", kString, std::nullopt, kLow, {"LONG", "S3 Proxy User"}, Refused(kNoProxy), "Its user.")
      .Add("s3.proxy.password", kPassword, "[hidden]", kLow, {"LONG", "S3 Proxy Password"}, Refused(kNoProxy),
           "Its password.")
      .Add("s3.http.send.expect.continue", kBoolean, "true", kLow, {"SHORT", "S3 HTTP Send Uses Expect Continue"},
           NoMeaning(kOwnUploads), "Whether uploads ask before they send.")
      .Add(
          "behavior.on.null.values", kString, "fail", kLow, {"SHORT", "Behavior for null-valued records"},
          Honoured("`ignore` and `fail`: a record without a value is left out and counted as blank, and nothing stops; "
                   "`write` is refused, as files hold no keys"),
          "What a record without a value does.")
      .OneOfAnyCase({"ignore", "fail", "write"})
      .Add("tombstone.encoded.partition", kString, "tombstone", kLow, {"SHORT", "Tombstone Encoded Partition"},
           NoMeaning("behavior.on.null.values=write is refused"), "The folder of records without a value.")
      .Add("s3.schema.partition.affix.type", kString, "NONE", kLow, {"LONG", "Schema Partition Affix Type"},
           Refused(kNoSchemas), "Where a schema's name stands in paths.")
      .OneOf({"SUFFIX", "PREFIX", "NONE"})
      .Add("s3.send.digest", kBoolean, "false", kLow, {"SHORT", "S3 Send Upload Message Digest"},
           NoMeaning("every upload carries its checksum"), "Whether uploads carry an MD5.");
}

void AddKeys(Declarations& list) {
  list.Group("Keys and Headers")
      .Add("store.kafka.keys", kBoolean, "false", kLow, {"SHORT", "Store kafka keys"}, Refused(kKeys),
           "Whether keys are written too.")
      .Dependents({"keys.format.class"})
      .Add("store.kafka.headers", kBoolean, "false", kLow, {"SHORT", "Store kafka headers"},
           Refused("headers are not written"), "Whether headers are written too.")
      .Dependents({"headers.format.class"})
      .Add("keys.format.class", kClass, "io.confluent.connect.s3.format.avro.AvroFormat", kLow,
           {"NONE", "Keys format class"}, NoMeaning("store.kafka.keys is refused"), "What files of keys are.")
      .OneOf(Formats(true))
      .Add("headers.format.class", kClass, "io.confluent.connect.s3.format.avro.AvroFormat", kLow,
           {"NONE", "Headers format class"}, NoMeaning("store.kafka.headers is refused"), "What files of headers are.")
      .OneOf(Formats(false))
      .Add("s3.path.style.access.enabled", kBoolean, "true", kLow, {"SHORT", "Enable Path Style Access to S3"},
           Honoured("`files.s3.path_style`, where it or store.url is given"), "Whether the bucket stands in the path.")
      .Add("s3.elastic.buffer.enable", kBoolean, "false", kLow, {"LONG", "Enable elastic buffer to staging s3-part"},
           NoMeaning("everything buffered is in one budget, `memory`"), "Whether buffers grow as needed.")
      .Add("s3.elastic.buffer.init.capacity", kInt, "131072", kLow, {"LONG", "Elastic buffer initial capacity"},
           NoMeaning("everything buffered is in one budget, `memory`"), "How large they are at first.")
      .AtLeast(4096);
}

void AddStorage(Declarations& list) {
  list.Group("Storage")
      .Add("storage.class", kClass, std::nullopt, kHigh, {"NONE", "Storage Class"},
           Honoured("S3, and what speaks as it"), "The class that stores files.")
      .Required()
      .OneOf({"io.confluent.connect.s3.storage.S3Storage"})
      .Add("topics.dir", kString, "topics", kHigh, {"NONE", "Topics directory"},
           Honoured("`files.location`: s3://bucket/topics.dir"), "The folder of all files.")
      .Add("store.url", kString, std::nullopt, kHigh, {"NONE", "Store URL"}, Honoured("`files.s3.endpoint`"),
           "Where a service other than AWS's is.")
      .Add("directory.delim", kString, "/", kMedium, {"LONG", "Directory Delimiter"}, Refused("folders end in '/'"),
           "What stands between folders.")
      .Add("file.delim", kString, "+", kMedium, {"LONG", "File Delimiter"}, Honoured("`name`"),
           "What stands between the parts of a file's name.");
}

void AddPartitioner(Declarations& list) {
  const std::string at = "io.confluent.connect.storage.partitioner.";
  list.Group("Partitioner")
      .Add("partitioner.class", kClass, at + "DefaultPartitioner", kHigh, {"LONG", "Partitioner Class"},
           Honoured("`path`: {topic}/partition={partition}; {topic}/NAME={field:NAME}; {topic}/ and the time"),
           "Which folder a record goes to.")
      .OneOf({at + "DefaultPartitioner", at + "HourlyPartitioner", at + "DailyPartitioner", at + "TimeBasedPartitioner",
              at + "FieldPartitioner"})
      .Dependents({"partition.field.name", "partition.duration.ms", "path.format", "locale", "timezone"})
      .Add("partition.field.name", kList, "", kMedium, {"NONE", "Partition Field Name"},
           Honoured("`path`: `{field:NAME}`; a record without it goes to quarantine"),
           "The fields that name the folder of FieldPartitioner.")
      .Add("partition.duration.ms", kLong, "-1", kMedium, {"LONG", "Partition Duration (ms)"},
           Honoured("of TimeBasedPartitioner: as long as path.format tells times apart, or shorter; a longer one is "
                    "refused"),
           "How much time a folder spans.")
      .Add("path.format", kString, "", kMedium, {"LONG", "Path Format"},
           Honoured("`path`: YYYY, MM, dd, HH, mm, and text in single quotes"), "How a time becomes a folder.")
      .Add("locale", kString, "", kMedium, {"LONG", "Locale"}, NoMeaning("folders have numbers, in every language"),
           "The language of names of days.")
      .Add("timezone", kString, "", kMedium, {"LONG", "Timezone"}, Honoured("`time_zone`"),
           "The zone of times in folders.")
      .Add("timestamp.extractor", kString, "Wallclock", kMedium, {"LONG", "Timestamp Extractor"},
           Honoured(
               "`path`: Record is `{event:...}`, RecordField `{field_time:...}`; Wallclock is `{ingested:...}`, the "
               "time the record came into the stream, so that a file made again after a crash is the same"),
           "Which time of a record counts.")
      .Add("timestamp.field", kString, "timestamp", kMedium, {"LONG", "Record Field for Timestamp Extractor"},
           Honoured("`path`: the name in `{field_time:NAME:...}`"), "The field of RecordField.");
}

}  // namespace

std::vector<Property> S3Properties() {
  Declarations list(SinkProperties(kS3Version));
  AddConnector(list);
  AddBucket(list);
  AddFiles(list);
  AddKeys(list);
  AddStorage(list);
  AddPartitioner(list);
  return std::move(list).Take();
}

std::vector<Property> S3Families() {
  Declarations list;
  list.Add("schema.compatibility", kString, "NONE", kHigh, {},
           Honoured("of ParquetFormat and AvroFormat NONE, BACKWARD and FULL: columns are added and keep their types, "
                    "a value of another type goes to `_rescued`; FORWARD is refused; of others it has no meaning"),
           "Which changes of a schema stay in one file.")
      .Add("schema.generator.class", kClass, std::nullopt, kHigh, {}, NoMeaning("it is of HDFS and Hive"),
           "The class that makes schemas of paths.")
      .Add("partition.field.format.path", kBoolean, "true", kLow, {},
           Honoured("`path`: NAME={field:NAME}, or {field:NAME} alone"), "Whether a folder has the field's name.")
      .Add("append.late.data", kBoolean, "false", kLow, {},
           Refused("a record goes to the folder of its own time, however late"),
           "Whether late records go to the folder of the moment.")
      .Add("allow.optional.map.keys", kBoolean, "false", kLow, {}, NoMeaning(kNoSchemas),
           "Whether keys of maps may be optional.")
      .Add("report.null.records.to.dlq", kBoolean, "false", kLow, {},
           Refused("records without a value are left out, and counted as blank"),
           "Whether records without a value go to the dead letter queue.")
      .Add("s3.credentials.provider.*", kString, std::nullopt, kLow, {},
           Refused("take a profile with role_arn and external_id, found by AWS_PROFILE"),
           "Settings of the class that finds credentials.")
      .Add("internal.*", kString, std::nullopt, kLow, {}, NoMeaning("they were of workers before Kafka 3"),
           "Converters of the worker's own topics.")
      .Add("hive.*", kString, std::nullopt, kLow, {},
           Refused("there is no Hive; tables of Iceberg are found by catalogues"), "Tables of Hive over the files.");
  return SinkFamilies(std::move(list).Take());
}

}  // namespace millrace::connect
