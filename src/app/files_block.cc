#include "app/files_block.h"

#include <fmt/format.h>

#include "app/aws_access.h"
#include "app/config_words.h"
#include "app/glue_block.h"
#include "app/warehouse_store.h"
#include "base/error.h"
#include "catalog/catalog.h"
#include "io/local_object_store.h"
#include "io/s3_object_store.h"
#include "land/files_path.h"

namespace millrace::app {
namespace {

using config::Block;
using config::ByteSize;
using config::Duration;

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kLevelMax = 9;

/// Adds what `body` throws as a problem of an option.
template <typename Body>
void Collect(const FilesConfig& files, const char* word, const std::string& path, config::ParseContext& context,
             Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    context.problems.Add(files.MarkOf(word), fmt::format("{}.{}: {}", path, word, error.message()));
  }
}

void CheckErrorPath(const FilesConfig& files, const std::string& path, config::ParseContext& context) {
  if (!files.error_path) return;
  const auto refuse = [&](std::string_view why) {
    context.problems.Add(files.MarkOf("error_path"), fmt::format("{}.error_path: {}", path, why));
  };
  if (files.error_path->empty() || files.error_path->find("..") != std::string::npos ||
      files.error_path->starts_with('/')) {
    return refuse("must be a folder below the table's own");
  }
  try {
    const land::PathTemplate checked(*files.error_path, land::PathTemplate::Of::kRefused);
  } catch (const Error& error) {
    refuse(error.message());
  }
}

bool LeavesTheFolder(const FilesConfig& files) {
  return files.path.find("..") != std::string::npos || files.path.starts_with('/');
}

void CheckLocation(const FilesConfig& files, const std::string& path, config::ParseContext& context) {
  const auto refuse = [&](const char* word, const char* why) {
    context.problems.Add(files.MarkOf(word), fmt::format("{}.{}: {}", path, word, why));
  };
  if (files.s3 && !files.location) refuse("s3", "is how `location` is reached; give that, or `lake.s3`");
  if (!files.location) return;
  Collect(files, "location", path, context, [&] {
    const auto& place = files.location->value;
    if (!io::ParseS3Uri(place) && place.find("://") != std::string::npos) {
      throw Error(ErrorCode::kConfig, "give a local folder, s3://bucket/prefix or gs://bucket/prefix");
    }
  });
}

void CheckRecords(const FilesConfig& files, const std::string& path, config::ParseContext& context) {
  const bool plain = files.record == FilesRecordWord::kText || files.record == FilesRecordWord::kBytes;
  if (files.Given("separator") && files.record == FilesRecordWord::kOrigin) {
    context.problems.Add(files.MarkOf("separator"), fmt::format("{}.separator: lines of `record: origin` end in a line "
                                                                "end",
                                                                path));
  }
  Collect(files, "path", path, context, [&] {
    if (LeavesTheFolder(files)) return;  // said already
    const land::PathTemplate checked(files.path, land::PathTemplate::Of::kRecords, files.time_zone);
    if (checked.by_members() && plain) {
      throw Error(ErrorCode::kConfig, "names members of records, which text and bytes do not have");
    }
  });
  Collect(files, "name", path, context, [&] { const land::NameTemplate checked(files.name); });
  for (const auto* word : {"file_rows", "file_span"}) {
    if (!files.Given(word) || !files.name.empty()) continue;
    context.problems.Add(files.MarkOf(word),
                         fmt::format("{}.{}: needs `name`, by the offset of a file's first record", path, word));
  }
}

/// Options of lines and of columns.
void CheckForm(const FilesConfig& files, const std::string& path, config::ParseContext& context) {
  const auto refuse = [&](const char* word, std::string_view why) {
    context.problems.Add(files.MarkOf(word), fmt::format("{}.{}: {}", path, word, why));
  };
  if (!HasColumns(files)) {
    if (files.compression == FilesCompressionWord::kSnappy) {
      refuse("compression", "lines are packed with none, gzip or zstd; snappy is for `encoding: parquet` or `avro`");
    }
    return;
  }
  if (files.record != FilesRecordWord::kOrigin && files.record != FilesRecordWord::kJson) {
    refuse("record",
           "files of columns have `origin`, the record's columns and those that say where from, or `json`, "
           "the record's alone");
  }
  if (files.Given("separator")) refuse("separator", "files of columns have no lines");
  if (files.error_path) refuse("error_path", "is for lines; what is no record goes to quarantine");
}

/// What is refused must be where engines do not look: they pass over folders with an underscore in front.
void CheckGlue(const FilesConfig& files, const std::string& path, config::ParseContext& context) {
  if (!files.glue) return;
  if (files.encoding == FilesEncoding::kAvro) {
    context.problems.Add(files.glue->mark, fmt::format("{}.glue: reads lines of JSON and Parquet, not Avro", path));
  }
  if (files.encoding == FilesEncoding::kParquet && files.glue->Given("serde")) {
    context.problems.Add(files.glue->MarkOf("serde"), fmt::format("{}.glue.serde: is for lines of JSON", path));
  }
  if (files.record != FilesRecordWord::kOrigin && files.record != FilesRecordWord::kJson) {
    context.problems.Add(files.glue->mark,
                         fmt::format("{}.glue: reads lines of JSON: `record: origin` or `json`", path));
  }
  if (files.separator != "\n") {
    context.problems.Add(files.glue->mark,
                         fmt::format("{}.glue: reads lines, so that `separator` is a line end", path));
  }
  if (files.error_path && !files.error_path->starts_with('_')) {
    context.problems.Add(files.MarkOf("error_path"),
                         fmt::format("{}.error_path: begins with an underscore where there is `glue`, so that engines "
                                     "do not read it: _{}",
                                     path, *files.error_path));
  }
  if (!files.glue->name.empty())
    Collect(files, "glue", path, context, [&] { catalog::ParseTableName(files.glue->name); });
}

void CheckFiles(const FilesConfig& files, const std::string& path, config::ParseContext& context) {
  if (LeavesTheFolder(files)) {
    context.problems.Add(files.MarkOf("path"), fmt::format("{}.path: must stay below the table's folder", path));
  }
  CheckErrorPath(files, path, context);
  CheckLocation(files, path, context);
  CheckRecords(files, path, context);
  CheckForm(files, path, context);
  CheckGlue(files, path, context);
}

land::FilesCompression CompressionOf(const FilesConfig& files) {
  if (!files.Given("compression")) {
    return files.encoding == FilesEncoding::kParquet ? land::FilesCompression::kZstd : land::FilesCompression::kGzip;
  }
  switch (files.compression) {
    case FilesCompressionWord::kNone:
      return land::FilesCompression::kNone;
    case FilesCompressionWord::kGzip:
      return land::FilesCompression::kGzip;
    case FilesCompressionWord::kZstd:
      return land::FilesCompression::kZstd;
    case FilesCompressionWord::kSnappy:
      return land::FilesCompression::kSnappy;
  }
  return land::FilesCompression::kNone;
}

land::FilesForm FormOf(FilesEncoding encoding) {
  switch (encoding) {
    case FilesEncoding::kJsonLines:
      return land::FilesForm::kLines;
    case FilesEncoding::kParquet:
      return land::FilesForm::kParquet;
    case FilesEncoding::kAvro:
      return land::FilesForm::kAvro;
  }
  return land::FilesForm::kLines;
}

land::FilesRecord RecordOf(FilesRecordWord record) {
  switch (record) {
    case FilesRecordWord::kOrigin:
      return land::FilesRecord::kOrigin;
    case FilesRecordWord::kJson:
      return land::FilesRecord::kJson;
    case FilesRecordWord::kPayload:
      return land::FilesRecord::kPayload;
    case FilesRecordWord::kText:
      return land::FilesRecord::kText;
    case FilesRecordWord::kBytes:
      return land::FilesRecord::kBytes;
  }
  return land::FilesRecord::kOrigin;
}

std::shared_ptr<io::ObjectStore> OpenLocation(const PipelineConfig& pipeline, const FilesConfig& files, FilesUse use) {
  const auto location = io::ParseS3Uri(files.location->value);
  if (!location) return io::LocalObjectStore::Open(files.location->value);
  auto store = std::make_shared<io::S3ObjectStore>(BucketOptions(files.s3 ? *files.s3 : pipeline.lake.s3, *location));
  if (use == FilesUse::kWrite) store->ProbeConditionalCreate();
  return store;
}

}  // namespace

bool HasColumns(const FilesConfig& files) { return files.encoding != FilesEncoding::kJsonLines; }

const Block<FilesConfig>& FilesBlock() {
  static const auto block =
      Block<FilesConfig>("Events as plain files any tool reads: as they came, or as columns.")
          .Add(
              &FilesConfig::location,
              {.name = "location",
               .doc = "The folder or bucket of the files, `s3://bucket/prefix`, where it is not the table's own in the "
                      "warehouse. Plans lie in its `_millrace`."})
          .Nested("s3", &FilesConfig::s3, S3Block())
          .Add(&FilesConfig::encoding,
               {.name = "encoding",
                .doc = "The form of the files: `jsonl`, records as they came, `parquet` or `avro`, their "
                       "columns, by `format`, `columns` and `contract` of the table as in tables of Iceberg.",
                .fallback = FilesEncoding::kJsonLines})
          .Add(&FilesConfig::record,
               {.name = "record",
                .doc = "What a record becomes. `origin`: a JSON document with members in front of its own that say "
                       "where it came from. `json`: the document alone. `payload`: the payload alone of "
                       "{schema, payload}, as Kafka Connect's JsonConverter writes documents. `text`: any text, as a "
                       "JSON string. `bytes`: as "
                       "it came. Of Parquet and Avro `origin` (columns that say where from beside its own) or `json` "
                       "(its own "
                       "alone).",
                .fallback = FilesRecordWord::kOrigin})
          .Add(&FilesConfig::separator,
               {.name = "separator", .doc = "What stands after each record.", .fallback = "\n"})
          .Add(&FilesConfig::compression,
               {.name = "compression",
                .doc =
                    "How the files are compressed. Without it gzip, which of Avro is its deflate, and zstd of Parquet. "
                    "Lines have no snappy."})
          .Add(&FilesConfig::level,
               {.name = "level", .doc = "How hard it tries.", .fallback = 1, .min = 1, .max = kLevelMax})
          .Add(&FilesConfig::path,
               {.name = "path",
                .doc = "The folder of a file below the table's own, with the fields topic, partition, "
                       "`ingested:FORMAT` (when the record arrived), `event:FORMAT` (its own time), `field:NAME` (a "
                       "member of it) and `field_time:NAME:FORMAT` (a member that is a time).",
                .fallback = "{ingested:%Y/%m/%d/%H}"})
          .Add(&FilesConfig::time_zone,
               {.name = "time_zone", .doc = "Of the times in `path`, such as Europe/Berlin.", .fallback = "UTC"})
          .Add(&FilesConfig::name,
               {.name = "name",
                .doc = "The name of a file by its first record, such as `{topic}+{partition}+{offset:10}`. Without it, "
                       "a name that no other pipeline gives."})
          .Add(&FilesConfig::extension,
               {.name = "extension",
                .doc = "What names end in; without it, .jsonl and what the compression adds, .parquet or .avro."})
          .Add(&FilesConfig::error_path,
               {.name = "error_path",
                .doc = "The folder of files for what is no JSON, such as `_errors/{cause}/{ingested:%Y/%m/%d}`: each "
                       "record as it came in Base64, and why. Without it, such records go to quarantine."})
          .Add(&FilesConfig::file_rows,
               {.name = "file_rows", .doc = "A file has so many records at most. Needs `name`.", .min = 1})
          .Add(&FilesConfig::file_span,
               {.name = "file_span",
                .doc = "A file ends before a record whose own time is this long after that of its first. Needs `name`.",
                .min = Duration(1)})
          .Add(&FilesConfig::buffer_size, {.name = "buffer_size",
                                           .doc = "A file is closed when this much is buffered, before compression.",
                                           .fallback = ByteSize{64 * kMiB},
                                           .min = ByteSize{64 << 10},
                                           .max = ByteSize{4096 * kMiB}})
          .Add(&FilesConfig::buffer_time, {.name = "buffer_time",
                                           .doc = "A file is closed at this age.",
                                           .fallback = Duration(60'000),
                                           .min = Duration(100)})
          .Nested("glue", &FilesConfig::glue, GlueTableBlock())
          .Check(CheckFiles);
  return block;
}

land::FilesEncoding FilesEncodingOf(const TableConfig& table) {
  const auto& files = *table.files;
  land::FilesEncoding encoding;
  encoding.path = files.path;
  encoding.error_path = files.error_path.value_or("");
  encoding.form = FormOf(files.encoding);
  encoding.compression = CompressionOf(files);
  encoding.level = static_cast<int>(files.level);
  encoding.record = RecordOf(files.record);
  encoding.separator = files.separator;
  encoding.headers = table.headers;
  encoding.time_zone = files.time_zone;
  encoding.name = files.name;
  encoding.extension = files.extension;
  encoding.file_rows = files.file_rows.value_or(0);
  encoding.file_span_ms = files.file_span ? files.file_span->count() : 0;
  if (HasColumns(files)) {
    encoding.file_bytes = table.file_size.bytes;
  } else {
    encoding.framed = table.format == RecordFormat::kJsonSchema;
  }
  return encoding;
}

FilesPlace FilesPlaceOf(const PipelineConfig& pipeline, const std::string& table, Lake& lake, FilesUse use) {
  const auto& files = *pipeline.tables.at(table).files;
  if (files.location) {
    return WithContext("table " + table, [&] {
      return FilesPlace{OpenLocation(pipeline, files, use), "", pipeline.name + "." + table};
    });
  }
  const auto name = catalog::ParseTableName(table);
  return {{std::shared_ptr<void>(), lake.store.get()}, name.name_space + "/" + name.name, pipeline.name};
}

std::string UriOf(const FilesPlace& place) {
  // A store names keys alone, and the prefix may be none.
  const auto below = place.store->UriOf(place.prefix.empty() ? "x" : place.prefix + "/x");
  return below.substr(0, below.size() - 2);
}

}  // namespace millrace::app
