#include "land/join_files.h"

#include <arrow/buffer.h>
#include <arrow/type.h>
#include <parquet/column_writer.h>
#include <parquet/file_reader.h>
#include <parquet/file_writer.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>
#include <parquet/size_statistics.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "land/arrow_status.h"
#include "land/column_chunks.h"
#include "land/object_stream.h"
#include "land/open_data_file.h"
#include "land/parquet_form.h"
#include "schema/schema.h"

namespace millrace::land {
namespace {

/// Encodings of a file with fewer rows a row group were chosen from too little: pages of it are not worth keeping.
constexpr int64_t kRowsMin = 16'384;
/// Footers and file handles stand open together.
constexpr size_t kFilesMax = 1'000;
constexpr int64_t kPieceBytes = int64_t{4} << 20;
constexpr std::string_view kMagic = "PAR1";

struct Source {
  const table::DataFile* file = nullptr;
  std::shared_ptr<ObjectInput> bytes;
  std::unique_ptr<parquet::ParquetFileReader> reader;

  const parquet::FileMetaData& footer() const { return *reader->metadata(); }
};

/// A row group of a source.
struct Part {
  const Source* source = nullptr;
  int row_group = 0;

  std::unique_ptr<parquet::RowGroupMetaData> metadata() const { return source->footer().RowGroup(row_group); }
};
using Parts = std::vector<Part>;

bool SameColumns(const parquet::SchemaDescriptor& one, const parquet::SchemaDescriptor& other) {
  const auto& columns = *one.group_node();
  const auto& others = *other.group_node();
  if (columns.field_count() != others.field_count()) return false;
  for (int i = 0; i < columns.field_count(); ++i) {
    if (!columns.field(i)->Equals(others.field(i).get())) return false;
  }
  return true;
}

/// How many NaNs a column of the files holds; nullopt when the table does not say it of each. Of lists nobody asks.
std::optional<int64_t> NansOf(const std::vector<Source>& sources, const parquet::ColumnDescriptor& column,
                              const MetricsConfig& metrics) {
  const schema::FieldId id(column.schema_node()->field_id());
  if (!IsFloating(column.physical_type()) || column.max_repetition_level() > 0 ||
      metrics.ModeOf(id).kind == MetricsMode::Kind::kNone)
    return 0;
  int64_t all = 0;
  for (const auto& source : sources) {
    const auto nans = source.file->nan_value_counts.find(id);
    if (nans == source.file->nan_value_counts.end()) return std::nullopt;
    all += nans->second;
  }
  return all;
}

ColumnChunks ChunksOf(const Parts& parts, int column) {
  ColumnChunks chunks;
  for (const auto& part : parts) chunks.push_back(part.metadata()->ColumnChunk(column));
  return chunks;
}

std::shared_ptr<parquet::WriterProperties> PropertiesFor(const parquet::SchemaDescriptor& columns,
                                                         const std::vector<ColumnWay>& ways, int zstd_level) {
  parquet::WriterProperties::Builder builder;
  SetCommonProperties({.level = zstd_level}, builder);
  for (int i = 0; i < columns.num_columns(); ++i) {
    const auto& way = ways[static_cast<size_t>(i)];
    const auto path = columns.Column(i)->path()->ToDotString();
    if (!way.dictionary) {
      builder.disable_dictionary(path);
      builder.encoding(path, way.encoding);
    }
    if (way.codec == parquet::Compression::UNCOMPRESSED) LeaveUncompressed(path, builder);
  }
  return builder.build();
}

/// One Parquet file of row groups of others.
class JoinedFile {
 public:
  JoinedFile(io::ObjectStore& store, const std::string& key, std::shared_ptr<parquet::SchemaDescriptor> columns,
             std::vector<ColumnWay> ways, int zstd_level)
      : store_(store),
        key_(key),
        columns_(std::move(columns)),
        ways_(std::move(ways)),
        properties_(PropertiesFor(*columns_, ways_, zstd_level)),
        footer_(parquet::FileMetaDataBuilder::Make(columns_.get(), properties_)) {
    FaultPoint("land.before_data_file");
    output_ = std::make_shared<ObjectOutput>(store.OpenWriter(key));
    Check(output_->Write(kMagic.data(), static_cast<int64_t>(kMagic.size())), "Parquet's first bytes");
  }

  void WriteRowGroup(const Parts& parts, const std::stop_token& stop) {
    auto& group = *footer_->AppendRowGroup();
    int64_t rows = 0;
    for (const auto& part : parts) rows += part.metadata()->num_rows();
    group.set_num_rows(rows);
    int64_t bytes = 0;
    for (int i = 0; i < columns_->num_columns(); ++i) {
      if (stop.stop_requested()) {
        throw Error(ErrorCode::kUnavailable, "stopped while files were joined; the next run does it");
      }
      auto& chunk = *group.NextColumnChunk();
      bytes += ways_[static_cast<size_t>(i)].as_is ? CopyPages(parts, i, chunk) : WriteValues(parts, i, chunk);
    }
    group.Finish(bytes, groups_++);
  }

  WrittenParquet Close(std::vector<int64_t> nan_counts) && {
    std::shared_ptr<parquet::FileMetaData> footer = footer_->Finish();
    parquet::WriteFileMetaData(*footer, output_.get());
    FinishDataFile(store_, key_, *output_);
    return {.key = key_,
            .size_bytes = output_->written(),
            .footer = std::move(footer),
            .nan_counts = std::move(nan_counts)};
  }

 private:
  /// Bytes before compression.
  int64_t CopyPages(const Parts& parts, int column, parquet::ColumnChunkMetaDataBuilder& chunk) {
    const auto chunks = ChunksOf(parts, column);
    const int64_t begin = output_->written();
    int64_t values = 0;
    int64_t uncompressed = 0;
    std::map<parquet::Encoding::type, int32_t> pages;
    for (size_t i = 0; i < parts.size(); ++i) {
      const auto& from = *chunks[i];
      ReadingDataFile(parts[i].source->file->file_path, [&] {
        CopyBytes(*parts[i].source->bytes, from.data_page_offset(), from.total_compressed_size());
      });
      values += from.num_values();
      uncompressed += from.total_uncompressed_size();
      for (const auto& stats : from.encoding_stats()) pages[stats.encoding] += stats.count;
    }
    const auto statistics = MergedStatistics(*columns_->Column(column), chunks);
    if (statistics.is_set()) chunk.SetStatistics(statistics);
    if (const auto sizes = MergedSizes(chunks)) chunk.SetSizeStatistics(*sizes);
    chunk.Finish(values, 0, -1, begin, output_->written() - begin, uncompressed, false, false, {}, pages);
    return uncompressed;
  }

  void CopyBytes(ObjectInput& from, int64_t begin, int64_t size) {
    for (int64_t done = 0; done < size;) {
      const auto piece = ValueOf(from.ReadAt(begin + done, std::min(kPieceBytes, size - done)), "reading");
      if (piece->size() == 0) throw parquet::ParquetException("it ends in the middle of a column");
      Check(output_->Write(piece->data(), piece->size()), "writing");
      done += piece->size();
    }
  }

  int64_t WriteValues(const Parts& parts, int column, parquet::ColumnChunkMetaDataBuilder& chunk) {
    const auto& path = columns_->Column(column)->path();
    const auto options = properties_->codec_options(path);
    auto pages = parquet::PageWriter::Open(output_, properties_->compression(path), &chunk, groups_,
                                           static_cast<int16_t>(column), arrow::default_memory_pool(), false, nullptr,
                                           nullptr, properties_->page_checksum_enabled(), nullptr, nullptr,
                                           options ? *options : arrow::util::CodecOptions());
    const auto writer = parquet::ColumnWriter::Make(&chunk, std::move(pages), properties_.get());
    for (const auto& part : parts) {
      ReadingDataFile(part.source->file->file_path,
                      [&] { CopyValues(*part.source->reader->RowGroup(part.row_group)->Column(column), *writer); });
    }
    return writer->Close();
  }

  io::ObjectStore& store_;
  const std::string key_;
  const std::shared_ptr<parquet::SchemaDescriptor> columns_;
  const std::vector<ColumnWay> ways_;
  const std::shared_ptr<parquet::WriterProperties> properties_;
  std::unique_ptr<parquet::FileMetaDataBuilder> footer_;
  std::shared_ptr<ObjectOutput> output_;
  int16_t groups_ = 0;
};

/// The footer of a file of these columns without rows: what a schema says is not quite what is read back of it.
std::unique_ptr<parquet::FileMetaData> EmptyFooter(const parquet::SchemaDescriptor& columns) {
  return parquet::FileMetaDataBuilder::Make(&columns, parquet::default_writer_properties())->Finish();
}

/// nullopt when it is none that can be joined. `columns` as read back.
std::optional<Source> OpenSource(io::ObjectStore& store, const table::DataFile& file,
                                 const parquet::SchemaDescriptor& columns) {
  return ReadingDataFile(file.file_path, [&]() -> std::optional<Source> {
    Source source{.file = &file, .bytes = DataFileBytes(store, file.file_path), .reader = nullptr};
    source.reader = parquet::ParquetFileReader::Open(source.bytes);
    const auto& footer = source.footer();
    if (!IsOurs(footer) || !SameColumns(*footer.schema(), columns)) return std::nullopt;
    if (footer.num_rows() != file.record_count) return std::nullopt;
    if (footer.num_rows() < kRowsMin * footer.num_row_groups()) return std::nullopt;
    return source;
  });
}

}  // namespace

std::optional<WrittenParquet> JoinFiles(io::ObjectStore& store, const table::TableMetadata& metadata,
                                        const std::vector<table::DatedFile>& files, const JoinOptions& options,
                                        ByteBudget& budget, const std::stop_token& stop) {
  if (files.empty() || files.size() > kFilesMax) return std::nullopt;
  const auto columns = DescriptorOf(*ParquetSchemaOf(*schema::ToArrow(metadata.schema())));
  const auto read_back = EmptyFooter(*columns);
  std::vector<Source> sources;
  for (const auto& dated : files) {
    auto source = OpenSource(store, dated.file, *read_back->schema());
    if (!source) return std::nullopt;
    sources.push_back(*std::move(source));
  }
  std::vector<int64_t> nan_counts;
  const MetricsConfig metrics(metadata.properties, metadata.schema());
  Parts parts;
  for (const auto& source : sources) {
    for (int group = 0; group < source.footer().num_row_groups(); ++group) parts.push_back({&source, group});
  }
  std::vector<ColumnWay> ways;
  for (int i = 0; i < columns->num_columns(); ++i) {
    const auto nans = NansOf(sources, *columns->Column(i), metrics);
    if (!nans) return std::nullopt;
    nan_counts.push_back(*nans);
    ways.push_back(WayOf(ChunksOf(parts, i)));
  }
  const auto held = budget.Reserve(std::min(budget.limit() / 4, options.row_group_bytes / 2), stop);
  JoinedFile joined(store, options.key, columns, std::move(ways), options.zstd_level);
  Parts group;
  int64_t bytes = 0;
  for (const auto& part : parts) {
    group.push_back(part);
    bytes += part.metadata()->total_byte_size();
    if (bytes < options.row_group_bytes && &part != &parts.back()) continue;
    joined.WriteRowGroup(std::exchange(group, {}), stop);
    bytes = 0;
  }
  return std::move(joined).Close(std::move(nan_counts));
}

}  // namespace millrace::land
