#include "connect/s3_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

#include "base/error.h"
#include "base/letter_case.h"
#include "connect/converters.h"
#include "connect/declared_plugin.h"
#include "connect/escapes.h"
#include "connect/path_format.h"
#include "connect/s3_properties.h"
#include "connect/topics.h"
#include "connect/value_check.h"
#include "connect/yaml_text.h"

namespace millrace::connect {
namespace {

constexpr int64_t kPartBytesMin = 5 << 20;
constexpr const char* kUnrotated = "10m";

bool IsTimeBased(const std::string& partitioner) {
  return partitioner == "TimeBasedPartitioner" || partitioner == "DailyPartitioner" ||
         partitioner == "HourlyPartitioner";
}

/// The path.format that a partitioner has, given or of its own.
std::string JodaFormat(const Given& given) {
  const auto partitioner = given.Class("partitioner.class");
  std::string daily = "'year'=YYYY/'month'=MM/'day'=dd";
  if (partitioner == "DailyPartitioner") return daily;
  if (partitioner == "HourlyPartitioner") return daily + "/'hour'=HH";
  return given.Text("path.format");
}

/// A name that cannot break out of a template's braces.
bool IsMember(const std::string& name) { return !name.empty() && name.find_first_of("{}:/") == std::string::npos; }

std::string PathOf(const Given& given) {
  const auto partitioner = given.Class("partitioner.class");
  if (partitioner == "FieldPartitioner") {
    std::string path = "{topic}";
    const bool named = given.Text("partition.field.format.path") != "false";
    for (const auto& field : given.List("partition.field.name")) {
      path += named ? fmt::format("/{0}={{field:{0}}}", field) : fmt::format("/{{field:{}}}", field);
    }
    return path;
  }
  if (!IsTimeBased(partitioner)) return "{topic}/partition={partition}";
  std::string why;
  const auto format = TimeFormatOf(JodaFormat(given), why);
  const auto extractor = SimpleName(given.Text("timestamp.extractor"));
  if (extractor == "Record") return fmt::format("{{topic}}/{{event:{}}}", format);
  if (extractor == "RecordField") {
    return fmt::format("{{topic}}/{{field_time:{}:{}}}", given.Text("timestamp.field"), format);
  }
  return fmt::format("{{topic}}/{{ingested:{}}}", format);
}

/// Records are JSON documents.
bool IsJson(ValueForm form) {
  return form == ValueForm::kJson || form == ValueForm::kJsonWithSchema || form == ValueForm::kJsonSchema;
}

/// Files are of columns.
bool HasColumns(const Given& given) {
  const auto format = given.Class("format.class");
  return format == "ParquetFormat" || format == "AvroFormat";
}

/// Folders may be named by fields of records.
bool HasMembers(const Given& given) { return HasColumns(given) || IsJson(ValueFormOf(given)); }

/// `format` of a table for such values; empty: JSON.
std::string FormatOf(ValueForm form) {
  if (form == ValueForm::kJsonSchema) return "json_schema";
  if (form == ValueForm::kAvro) return "avro";
  return form == ValueForm::kProtobuf ? "protobuf" : "";
}

/// A codec of files of columns as `compression` has it, and what Confluent's sink puts before ".parquet" for it.
struct Codec {
  const char* name;
  const char* compression;
  const char* extension;
};
constexpr Codec kParquetCodecs[] = {
    {"none", "none", ""}, {"snappy", "snappy", ".snappy"}, {"gzip", "gzip", ".gz"}, {"zstd", "zstd", ".zstd"}};
constexpr Codec kAvroCodecs[] = {{"null", "none", ""}, {"deflate", "gzip", ""}, {"snappy", "snappy", ""}};

/// Null: it is not written here.
const Codec* CodecOf(const Given& given) {
  const bool parquet = given.Class("format.class") == "ParquetFormat";
  const auto name = Lower(given.Text(parquet ? "parquet.codec" : "avro.codec"));
  const auto codecs = parquet ? std::span<const Codec>(kParquetCodecs) : std::span<const Codec>(kAvroCodecs);
  const auto found = std::ranges::find(codecs, name, &Codec::name);
  return found == codecs.end() ? nullptr : &*found;
}

/// `files.record` for such values.
std::string RecordOf(ValueForm form) {
  switch (form) {
    case ValueForm::kBytes:
      return "bytes";
    case ValueForm::kText:
      return "text";
    case ValueForm::kJsonWithSchema:
      return "payload";
    case ValueForm::kJson:
    case ValueForm::kJsonSchema:
    case ValueForm::kAvro:
    case ValueForm::kProtobuf:
    case ValueForm::kOther:
      break;
  }
  return "json";
}

class S3Sink final : public DeclaredPlugin {
 public:
  S3Sink()
      : DeclaredPlugin({.type = "sink",
                        .classes = {"io.confluent.connect.s3.S3SinkConnector", "S3SinkConnector", "S3Sink"},
                        .version = kS3Version,
                        .properties = S3Properties(),
                        .families = S3Families()}) {}

 private:
  void CheckTogether(const Given& given, Findings& findings) const override {
    CheckOrigins(given, findings);
    CheckConverters(given, findings);
    if (given.properties().size() <= 1) return;
    CheckSizes(given, findings);
    CheckForm(given, findings);
    CheckPartitioner(given, findings);
    CheckStore(given, findings);
    std::set<std::string> tables;
    for (const auto& topic : given.List("topics")) {
      if (!tables.insert(BlockName(topic, "")).second) {
        findings.Add("topics", fmt::format("'{}' and another topic differ in '.' and '_' alone: give it a connector of "
                                           "its own",
                                           topic));
      }
    }
  }

  static void CheckSizes(const Given& given, Findings& findings) {
    if (given.Has("s3.part.size") && given.Number("s3.part.size") < kPartBytesMin) {
      findings.Add("s3.part.size",
                   fmt::format("Invalid value {} for configuration s3.part.size: Part size must be at least: {} bytes "
                               "(5MB)",
                               given.Text("s3.part.size"), kPartBytesMin));
    }
    if (given.Has("flush.size") && given.Number("flush.size") < 1) {
      findings.Add("flush.size", "is 1 or more");
    }
    if (given.Number("rotate.schedule.interval.ms") > 0 && given.Text("timezone").empty()) {
      findings.Add("timezone", "timezone configuration must be set when using rotate.schedule.interval.ms");
    }
    for (const auto* name : {"rotate.schedule.interval.ms", "rotate.interval.ms"}) {
      const auto millis = given.Number(name);
      if (millis == 0 || (millis > 0 && millis < 100)) findings.Add(name, "is 100 or more, or -1");
    }
  }

  static void CheckForm(const Given& given, Findings& findings) {
    const auto format = given.Class("format.class");
    const auto form = ValueFormOf(given);
    const auto converter = given.Class("value.converter");
    if (HasColumns(given)) {
      CheckColumns(given, findings);
    } else if (format == "ByteArrayFormat" && form != ValueForm::kBytes) {
      findings.Add("value.converter", fmt::format("ByteArrayFormat takes ByteArrayConverter, and not {}", converter));
    } else if (format == "JsonFormat" && form != ValueForm::kText && !IsJson(form)) {
      findings.Add(
          "value.converter",
          fmt::format("{} is not supported by Millrace for files of JsonFormat, which hold records as they came: "
                      "take JsonConverter, JsonSchemaConverter or StringConverter, or files of ParquetFormat "
                      "or AvroFormat",
                      converter));
    }
    if (given.Text("behavior.on.null.values") == "write") {
      findings.Add("behavior.on.null.values", "write is not supported by Millrace: files hold no keys; take ignore");
    }
  }

  /// What is particular to files of columns.
  static void CheckColumns(const Given& given, Findings& findings) {
    const auto form = ValueFormOf(given);
    const auto format = given.Class("format.class");
    if (form == ValueForm::kJsonWithSchema) {
      findings.Add(
          "value.converter",
          fmt::format("JsonConverter takes records of {{schema, payload}} unless "
                      "value.converter.schemas.enable=false, and Millrace does not make the types that stand "
                      "beside a document into columns of {}: say value.converter.schemas.enable=false and send "
                      "plain JSON, or take AvroConverter, ProtobufConverter or JsonSchemaConverter",
                      format));
    } else if (form != ValueForm::kJson && FormatOf(form).empty()) {
      findings.Add("value.converter", fmt::format("{} has no columns, of which files of {} are: take AvroConverter, "
                                                  "ProtobufConverter, JsonSchemaConverter or JsonConverter",
                                                  given.Class("value.converter"), format));
    }
    const auto* codec = format == "ParquetFormat" ? "parquet.codec" : "avro.codec";
    if (CodecOf(given) == nullptr) {
      findings.Add(codec,
                   fmt::format("{} is not supported by Millrace: take {}", given.Text(codec),
                               format == "ParquetFormat" ? "none, snappy, gzip or zstd" : "null, deflate or snappy"));
    }
    if (given.Flag("enhanced.avro.schema.support")) {
      findings.Add("enhanced.avro.schema.support", "true is not supported by Millrace: enums become text");
    }
    if (given.Text("schema.compatibility").starts_with("FORWARD")) {
      findings.Add(
          "schema.compatibility",
          fmt::format("{} is not supported by Millrace: files have the columns of all records so far, which is "
                      "NONE, BACKWARD and FULL",
                      given.Text("schema.compatibility")));
    }
    if (given.Has("topics.regex")) {
      findings.Add("topics.regex", fmt::format("is not supported by Millrace with {}, as topics have columns of their "
                                               "own: list the topics",
                                               format));
    }
  }

  static void CheckPartitioner(const Given& given, Findings& findings) {
    const auto partitioner = given.Class("partitioner.class");
    const bool has_members = HasMembers(given);
    if (partitioner == "FieldPartitioner") {
      const auto fields = given.List("partition.field.name");
      if (fields.empty()) findings.Add("partition.field.name", "names no field for FieldPartitioner");
      for (const auto& field : fields) {
        if (!IsMember(field)) findings.Add("partition.field.name", fmt::format("'{}' is no field of Millrace", field));
      }
      if (!has_members) findings.Add("partitioner.class", "FieldPartitioner needs records with fields");
    }
    if (!IsTimeBased(partitioner)) return;
    const auto extractor = SimpleName(given.Text("timestamp.extractor"));
    if (extractor != "Wallclock" && extractor != "Record" && extractor != "RecordField") {
      findings.Add("timestamp.extractor",
                   fmt::format("{} is not supported by Millrace: take Wallclock, Record or RecordField", extractor));
    }
    if (extractor == "RecordField" && (!has_members || !IsMember(given.Text("timestamp.field")))) {
      findings.Add("timestamp.field", "RecordField needs records with fields and the name of one");
    }
    if (given.Text("timezone").empty()) findings.Add("timezone", "Timezone cannot be empty.");
    std::string why;
    const auto joda = JodaFormat(given);
    if (joda.empty()) findings.Add("path.format", "Path format cannot be empty.");
    const auto format = TimeFormatOf(joda, why);
    if (!why.empty()) findings.Add("path.format", why);
    if (partitioner == "TimeBasedPartitioner") CheckDuration(given, format, findings);
  }

  static void CheckDuration(const Given& given, const std::string& format, Findings& findings) {
    const auto duration = given.Number("partition.duration.ms");
    const auto unit = ShortestUnit(format);
    if (duration < 1) {
      findings.Add("partition.duration.ms", "Partition duration needs to be a positive.");
    } else if (unit > 0 && duration > unit) {
      findings.Add(
          "partition.duration.ms",
          fmt::format("{} ms is not supported by Millrace with this path.format, whose folders are {} ms long: "
                      "take that, or leave the shorter unit out of path.format",
                      duration, unit));
    }
  }

  static void CheckStore(const Given& given, Findings& findings) {
    const auto url = given.Text("store.url");
    if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://") && !url.starts_with("${")) {
      findings.Add("store.url", fmt::format("'{}' is no http:// or https:// address", url));
    }
    if (given.Text("aws.access.key.id").empty() != given.Raw("aws.secret.access.key").empty()) {
      findings.Add("aws.access.key.id", "aws.access.key.id and aws.secret.access.key go together");
    }
    if (given.Text("file.delim").find_first_of("/{}") != std::string::npos) {
      findings.Add("file.delim", "has none of / { }");
    }
    const auto folder = given.Text("topics.dir");
    if (folder.find("..") != std::string::npos || folder.find("//") != std::string::npos) {
      findings.Add("topics.dir", fmt::format("'{}' is no folder of a bucket", folder));
    }
  }

  Translation Written(const std::string& connector, const Given& given) const override {
    Translation translation;
    Tree root;
    if (HasColumns(given)) WriteRegistry(connector, given, root, translation.secrets);
    for (const auto& origin : OriginsOf(given)) {
      const auto part = origin.starts_with('^') ? std::string("topics") : BlockName(origin, "");
      root["tables"][BlockName(connector, "") + "." + part] = TableOf(connector, given, origin, translation.secrets);
    }
    translation.yaml = YamlText(root);
    return translation;
  }

  static Tree TableOf(const std::string& connector, const Given& given, const std::string& origin,
                      std::map<std::string, std::string>& secrets) {
    Tree block;
    block["from"] = origin;
    if (given.Text("consumer.override.auto.offset.reset") == "latest") block["start"] = "latest";
    const auto form = ValueFormOf(given);
    if (const auto format = FormatOf(form); !format.empty()) block["format"] = format;
    auto& files = block["files"];
    auto folder = given.Text("topics.dir");
    while (folder.ends_with('/')) folder.pop_back();
    files["location"] = "s3://" + given.Text("s3.bucket.name") + (folder.empty() ? "" : "/" + folder);
    WriteS3(connector, given, files["s3"], secrets);
    if (HasColumns(given)) files["encoding"] = given.Class("format.class") == "ParquetFormat" ? "parquet" : "avro";
    files["record"] = RecordOf(form);
    const auto separator = given.Raw("format.bytearray.separator");
    if (form == ValueForm::kBytes && !separator.empty())
      files["separator"] = WithContext("format.bytearray.separator", [&] { return Unescaped(separator); });
    HasColumns(given) ? WriteCodec(given, files) : WriteCompression(given, form, files);
    files["path"] = PathOf(given);
    if (IsTimeBased(given.Class("partitioner.class"))) files["time_zone"] = given.Text("timezone");
    const auto delim = given.Text("file.delim");
    files["name"] = fmt::format("{{topic}}{0}{{partition}}{0}{{offset:{1}}}", delim,
                                given.Number("filename.offset.zero.pad.width"));
    WriteRotation(given, files);
    return block;
  }

  static void WriteS3(const std::string& connector, const Given& given, Tree& s3,
                      std::map<std::string, std::string>& secrets) {
    if (const auto url = given.Text("store.url"); !url.empty()) s3["endpoint"] = url;
    s3["region"] = given.Text("s3.region");
    for (const auto& [property, option] :
         {std::pair{"aws.access.key.id", "access_key"}, std::pair{"aws.secret.access.key", "secret_key"}}) {
      if (const auto value = given.Raw(property); !value.empty()) {
        s3[option] = SecretOf(connector, property, value, secrets);
      }
    }
    if (given.Has("store.url") || given.Has("s3.path.style.access.enabled")) {
      s3["path_style"] = given.Flag("s3.path.style.access.enabled");
    }
  }

  static void WriteCompression(const Given& given, ValueForm form, Tree& files) {
    constexpr int64_t kZlibDefault = 6;
    const bool packed = given.Text("s3.compression.type") == "gzip";
    files["compression"] = packed ? "gzip" : "none";
    if (packed) {
      const auto level = given.Number("s3.compression.level");
      files["level"] = level < 0 ? kZlibDefault : std::max<int64_t>(level, 1);
    }
    const auto plain = form == ValueForm::kBytes ? given.Text("format.bytearray.extension") : std::string(".json");
    files["extension"] = plain + (packed ? ".gz" : "");
  }

  static void WriteCodec(const Given& given, Tree& files) {
    const auto& codec = *CodecOf(given);
    files["compression"] = codec.compression;
    const bool parquet = given.Class("format.class") == "ParquetFormat";
    files["extension"] = parquet ? fmt::format("{}.parquet", codec.extension) : ".avro";
  }

  static void WriteRotation(const Given& given, Tree& files) {
    files["file_rows"] = given.Number("flush.size");
    const auto interval = given.Number("rotate.interval.ms");
    const auto scheduled = given.Number("rotate.schedule.interval.ms");
    if (interval > 0) files["file_span"] = fmt::format("{}ms", interval);
    const auto wait = scheduled > 0 ? scheduled : interval;
    files["buffer_time"] = wait > 0 ? fmt::format("{}ms", wait) : kUnrotated;
  }
};

}  // namespace

std::unique_ptr<Plugin> MakeS3Sink() { return std::make_unique<S3Sink>(); }

}  // namespace millrace::connect
