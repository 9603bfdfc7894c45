#include "app/registry.h"

#include <fmt/format.h>

#include "app/document_blocks.h"
#include "app/http_poll_options.h"
#include "base/error.h"
#include "source/file/file_source.h"
#include "source/generator/generator_source.h"
#include "source/http_poll/http_poll_source.h"

namespace millrace::app {
namespace {

source::GeneratorKind KindOf(GeneratorKind kind) {
  switch (kind) {
    case GeneratorKind::kUsers:
      return source::GeneratorKind::kUsers;
    case GeneratorKind::kCards:
      return source::GeneratorKind::kCards;
    case GeneratorKind::kClicks:
      return source::GeneratorKind::kClicks;
    case GeneratorKind::kEvents:
      return source::GeneratorKind::kEvents;
  }
  return source::GeneratorKind::kUsers;
}

std::unique_ptr<event::Source> MakeGenerator(const std::string& name, const GeneratorConfig& config) {
  source::GeneratorOptions options;
  options.name = name;
  options.kind = KindOf(config.kind);
  options.rows = config.rows;
  if (config.rate) options.rate = static_cast<double>(*config.rate);
  options.seed = static_cast<uint64_t>(config.seed);
  options.duplicates = config.duplicates.value;
  options.late = config.late.value;
  options.malformed = config.malformed.value;
  return std::make_unique<source::GeneratorSource>(std::move(options));
}

source::FileFormat FormatOf(FileFormat format) {
  switch (format) {
    case FileFormat::kAuto:
      return source::FileFormat::kAuto;
    case FileFormat::kJsonLines:
      return source::FileFormat::kJsonLines;
    case FileFormat::kJson:
      return source::FileFormat::kJsonArray;
    case FileFormat::kCsv:
      return source::FileFormat::kCsv;
  }
  return source::FileFormat::kAuto;
}

source::Compression CompressionOf(FileCompression compression) {
  switch (compression) {
    case FileCompression::kAuto:
      return source::Compression::kAuto;
    case FileCompression::kNone:
      return source::Compression::kNone;
    case FileCompression::kGzip:
      return source::Compression::kGzip;
    case FileCompression::kZstd:
      return source::Compression::kZstd;
  }
  return source::Compression::kAuto;
}

source::CsvType CsvTypeOf(CsvTypeWord type) {
  switch (type) {
    case CsvTypeWord::kText:
      return source::CsvType::kString;
    case CsvTypeWord::kNumber:
      return source::CsvType::kNumber;
    case CsvTypeWord::kBoolean:
      return source::CsvType::kBoolean;
  }
  return source::CsvType::kString;
}

}  // namespace

source::FileSourceOptions FileOptionsFor(const std::string& name, const SourceConfig& source) {
  const auto& config = *source.file;
  source::FileSourceOptions options;
  options.name = name;
  for (const auto& path : config.path) options.paths.push_back(path.value);
  options.format = FormatOf(config.format);
  options.compression = CompressionOf(config.compression);
  options.follow = config.follow;
  options.record_bytes_max = static_cast<size_t>(config.record_size_max.bytes);
  if (!config.csv.delimiter.empty()) options.csv.delimiter = config.csv.delimiter.front();
  if (!config.csv.quote.empty()) options.csv.quote = config.csv.quote.front();
  options.csv.columns = config.csv.header;
  for (const auto& [column, type] : config.csv.types) options.csv.types.emplace(column, CsvTypeOf(type));
  options.csv.drop = source.drop;
  return options;
}

std::unique_ptr<event::Source> MakeSource(const std::string& name, const SourceConfig& source, bool ends) {
  if (source.file) return std::make_unique<source::FileSource>(FileOptionsFor(name, source));
  if (source.generator) return MakeGenerator(name, *source.generator);
  if (source.http_poll) {
    return std::make_unique<source::HttpPollSource>(HttpPollOptionsFor(name, *source.http_poll, ends));
  }
  if (source.mongodb) return MakeMongoSource(name, *source.mongodb, ends);
  throw Error(ErrorCode::kConfig,
              fmt::format("the source '{}' has no kind; give it `file`, `generator`, `http_poll` or `mongodb`", name));
}

bool EndsByItself(const SourceConfig& source) {
  if (source.http_ingest) return false;
  if (source.http_poll) return !source.http_poll->every || source.http_poll->run_for || source.http_poll->until_rows;
  return !source.generator || source.generator->rows.has_value();
}

}  // namespace millrace::app
