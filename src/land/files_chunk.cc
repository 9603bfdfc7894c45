#include "land/files_chunk.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "io/digest.h"

namespace millrace::land {
namespace {

/// Recreated topics and pipelines that share a folder have names of their own.
std::string IncarnationOf(const FilesPlan& plan) {
  return io::Hex(io::Sha256(plan.pipeline + "\n" + plan.split.value())).substr(0, 8);
}

std::string ExtensionFor(const FilesEncoding& encoding) {
  if (!encoding.extension.empty()) return encoding.extension;
  switch (encoding.form) {
    case FilesForm::kLines:
      return std::string(ExtensionOf(encoding.compression));
    case FilesForm::kParquet:
      return ".parquet";
    case FilesForm::kAvro:
      return ".avro";
  }
  return {};
}

int64_t MinuteOf(Timestamp time) { return std::chrono::floor<std::chrono::minutes>(time).time_since_epoch().count(); }

}  // namespace

FilesChunk::FilesChunk(std::string pipeline, FilesEncoding encoding, event::Cursor begin)
    : path_(encoding.path, PathTemplate::Of::kRecords, encoding.time_zone), name_(encoding.name) {
  plan_.pipeline = std::move(pipeline);
  plan_.encoding = std::move(encoding);
  plan_.begin = std::move(begin);
}

void FilesChunk::Note(const event::EventBatch& events, size_t first, size_t last) {
  if (empty()) {
    plan_.split = events.split;
    plan_.topic = events.topic;
    plan_.partition = events.partition;
    plan_.first_offset = events.offset(first);
    plan_.ingested_at = events.arrival(first);
  }
  plan_.records += static_cast<int64_t>(last - first);
  plan_.last_offset = events.offset(last - 1);
}

std::string FilesChunk::KeyOf(const std::string& folder, size_t number, const From& from) const {
  const auto name = encoding().name.empty()
                        ? fmt::format("{}-{}-{:020}-{}-{:04}", SafeName(plan_.topic), plan_.partition,
                                      plan_.first_offset, IncarnationOf(plan_), number)
                        : name_.Render(plan_.topic, plan_.partition, from.offset);
  return (encoding().prefix.empty() ? "" : encoding().prefix + "/") + (folder.empty() ? "" : folder + "/") + name +
         ExtensionFor(encoding());
}

size_t FilesChunk::Plan(const std::string& folder, const From& from) {
  const size_t number = plan_.objects.size();
  plan_.objects.push_back({KeyOf(folder, number, from), 0, 0, {}});
  contents_.emplace_back();
  ++partial_;
  return number;
}

void FilesChunk::Fill(size_t number, int64_t rows, std::string content) {
  auto& planned = plan_.objects[number];
  planned.rows = rows;
  planned.bytes = static_cast<int64_t>(content.size());
  planned.sha256 = io::Hex(io::Sha256(content));
  contents_[number] = std::move(content);
  if (rows != encoding().file_rows) --partial_;
}

bool FilesChunk::IsFull(int64_t bytes, int64_t rows, Timestamp first_time, const From& from) const {
  if (bytes >= encoding().file_bytes) return true;
  if (encoding().file_rows > 0 && rows >= encoding().file_rows) return true;
  return encoding().file_span_ms > 0 && from.time - first_time >= std::chrono::milliseconds(encoding().file_span_ms);
}

void FilesChunk::CountRow(int64_t rows) {
  if (rows != encoding().file_rows) return;
  ++full_;
  --partial_;
}

int64_t FilesChunk::filled_bytes() const {
  int64_t bytes = 0;
  for (const auto& content : contents_) bytes += static_cast<int64_t>(content.size());
  return bytes;
}

SealedChunk FilesChunk::Seal(event::Cursor end) && {
  CloseAll();
  plan_.end = std::move(end);
  return {std::move(plan_), std::move(contents_)};
}

event::Reject MissingFolder(size_t record, const std::string& member) {
  return {static_cast<uint32_t>(record), event::RejectCause::kPartitionValue,
          fmt::format("its folder is named by {}, which it does not have as text, number or time", member)};
}

const std::string& FolderOf::Of(const PathTemplate::Place& place, const MemberOf& member) {
  const bool same = known_ && !path_.by_members() && MinuteOf(place.ingested) == MinuteOf(known_->ingested) &&
                    (!path_.by_event_time() || MinuteOf(place.event) == MinuteOf(known_->event));
  if (same) return folder_;
  missing_.clear();
  folder_ = path_.Render(place, member, &missing_);
  known_ = place;
  known_->topic = {};  // not ours to keep: one chunk is of one topic
  return folder_;
}

}  // namespace millrace::land
