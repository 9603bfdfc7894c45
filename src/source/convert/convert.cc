#include "source/convert/convert.h"

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "base/error.h"
#include "source/convert/record_writer.h"
#include "source/file/file_name.h"
#include "source/file/file_source.h"

namespace millrace::source {
namespace {

FileFormat FormatOf(const ConvertOptions& options) {
  if (options.to_format != FileFormat::kAuto) return options.to_format;
  const auto named = FormatOfName(options.to);
  if (named != FileFormat::kAuto) return named;
  return BareName(options.to).ends_with(".json") ? FileFormat::kJsonArray : FileFormat::kJsonLines;
}

/// Top-level names of objects, in the order of their first appearance.
class ColumnCollector {
 public:
  void Add(const event::EventBatch& batch) {
    for (size_t i = 0; i < batch.size(); ++i) {
      const auto record = batch.record(i);
      if (!inspector_.Names(record, &names_) || AllKnown() || !inspector_.IsJson(record)) continue;
      for (const auto name : names_) {
        if (seen_.emplace(name).second) columns_.emplace_back(name);
      }
    }
  }
  std::vector<std::string> columns() const { return columns_; }

 private:
  bool AllKnown() const {
    for (size_t at = 0; at < names_.size(); ++at) {
      // Most records are like the first.
      const bool in_place = at < columns_.size() && columns_[at] == names_[at];
      if (!in_place && !seen_.contains(names_[at])) return false;
    }
    return true;
  }

  JsonInspector inspector_;
  std::vector<std::string_view> names_;
  std::set<std::string, std::less<>> seen_;
  std::vector<std::string> columns_;
};

/// One run: records to the file, or to the file of rejects.
class Conversion {
 public:
  Conversion(const ConvertOptions& options, std::vector<std::string> columns)
      : options_(options),
        writer_(MakeRecordWriter(
            MakeByteSink(options.to, options.to_compression, options.overwrite),
            {.format = FormatOf(options), .delimiter = DelimiterOfName(options.to), .columns = std::move(columns)})) {}

  /// `objects`: valid JSON where it is UTF-8.
  void Add(const event::EventBatch& batch, bool objects) {
    const bool sound = objects && inspector_.IsUtf8(batch.payload->view());
    if (sound && batch.newline_joined && writer_->WriteLines(batch.payload->view())) {
      stats_.records += static_cast<int64_t>(batch.size());
      stats_.bytes_out = writer_->bytes_written();
      return;
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      const auto record = batch.record(i);
      if ((sound || writer_->checks_json() || inspector_.IsJson(record)) && writer_->Write(record)) {
        ++stats_.records;
      } else {
        Reject(record);
      }
    }
    stats_.bytes_out = writer_->bytes_written();
  }

  void Finish() {
    if (rejects_) std::move(*rejects_).Finish();
    std::move(*writer_).Finish();
    stats_.bytes_out = writer_->bytes_written();
  }

  ConvertStats& stats() { return stats_; }

 private:
  void Reject(std::string_view record) {
    if (!rejects_) {
      stats_.rejects_path = options_.to + ".rejected";
      rejects_ = MakeByteSink(stats_.rejects_path, Compression::kNone, options_.overwrite);
    }
    rejects_->Write(record);
    rejects_->Write("\n");
    ++stats_.rejected;
  }

  const ConvertOptions& options_;
  std::unique_ptr<RecordWriter> writer_;
  std::unique_ptr<ByteSink> rejects_;
  JsonInspector inspector_;
  ConvertStats stats_;
};

/// Hands every batch of a bounded source that stands at its start to `take`.
template <typename Take>
void ForEachBatch(event::Source& source, Take&& take) {
  for (;;) {
    const auto result = source.Read({}, std::stop_token());
    if (result.state == event::ReadState::kExhausted) return;
    if (result.batch) take(*result.batch);
  }
}

/// `wrote_objects`: whether the batch that was read last is of FileSource::wrote_objects.
template <typename WroteObjects>
ConvertStats Run(event::Source& source, const ConvertOptions& options, std::vector<std::string> columns,
                 const ConvertProgress& progress, WroteObjects&& wrote_objects) {
  Conversion conversion(options, std::move(columns));
  auto& stats = conversion.stats();
  source.Seek({});
  stats.bytes_in_total = std::max<int64_t>(source.lag().bytes, 0);
  ForEachBatch(source, [&](const event::EventBatch& batch) {
    stats.bytes_in = stats.bytes_in_total - std::max<int64_t>(source.lag().bytes, 0);
    conversion.Add(batch, wrote_objects());
    progress(stats);
  });
  conversion.Finish();
  stats.bytes_in = stats.bytes_in_total;
  progress(stats);
  return stats;
}

}  // namespace

ConvertStats Convert(const ConvertOptions& options, const ConvertProgress& progress) {
  auto from = options.from;
  from.follow = false;
  FileSource source(from);
  ColumnCollector columns;
  if (FormatOf(options) == FileFormat::kCsv) {
    ForEachBatch(source, [&](const event::EventBatch& batch) { columns.Add(batch); });
  }
  return Run(source, options, columns.columns(), progress, [&source] { return source.wrote_objects(); });
}

ConvertStats WriteRecords(event::Source& source, const ConvertOptions& options, const ConvertProgress& progress) {
  ColumnCollector columns;
  if (FormatOf(options) == FileFormat::kCsv) {
    source.Seek({});
    event::ReadResult first;
    while (first.state == event::ReadState::kIdle) first = source.Read({}, std::stop_token());
    if (first.batch) columns.Add(*first.batch);
  }
  return Run(source, options, columns.columns(), progress, [] { return false; });
}

}  // namespace millrace::source
