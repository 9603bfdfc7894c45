#include "land/files_chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace millrace::land {
namespace {

/// Recreated topics and pipelines that share a folder have names of their own.
std::string IncarnationOf(const FilesPlan& plan) {
  return Sha256Hex(plan.pipeline + "\n" + plan.split.value()).substr(0, 8);
}

int64_t MinuteOf(Timestamp time) { return std::chrono::floor<std::chrono::minutes>(time).time_since_epoch().count(); }

}  // namespace

FilesChunk::FilesChunk(std::string pipeline, FilesEncoding encoding, event::Cursor begin)
    : path_(encoding.path), line_(static_cast<size_t>(encoding.record_bytes_max)) {
  if (!encoding.error_path.empty()) error_path_.emplace(encoding.error_path, PathTemplate::Of::kRefused);
  plan_.pipeline = std::move(pipeline);
  plan_.encoding = std::move(encoding);
  plan_.begin = std::move(begin);
}

void FilesChunk::Start(const event::EventBatch& events, size_t first) {
  plan_.split = events.split;
  plan_.topic = events.topic;
  plan_.partition = events.partition;
  plan_.first_offset = events.offset(first);
  plan_.ingested_at = events.arrival(first);
}

FilesChunk::OpenObject& FilesChunk::ObjectFor(const std::string& folder) {
  auto found = std::ranges::find(open_, folder, &OpenObject::folder);
  if (found != open_.end() && found->packer.raw_bytes() >= plan_.encoding.file_bytes) {
    Close(found);
    found = open_.end();
  }
  if (found != open_.end()) return *found;
  if (open_.size() >= static_cast<size_t>(plan_.encoding.open_files_max)) Close(open_.begin());
  const size_t number = plan_.objects.size();
  const auto& prefix = plan_.encoding.prefix;
  const auto name = fmt::format("{}-{}-{:020}-{}-{:04}{}", SafeName(plan_.topic), plan_.partition, plan_.first_offset,
                                IncarnationOf(plan_), number, ExtensionOf(plan_.encoding.compression));
  plan_.objects.push_back(
      {(prefix.empty() ? "" : prefix + "/") + (folder.empty() ? "" : folder + "/") + name, 0, 0, {}});
  contents_.emplace_back();
  open_.push_back({folder, number, 0, FilesPacker(plan_.encoding.compression, plan_.encoding.level)});
  return open_.back();
}

void FilesChunk::AddLine(const std::string& folder, std::string_view line) {
  auto& object = ObjectFor(folder);
  object.packer.room() += line;
  object.packer.Settle();
  ++object.rows;
  raw_bytes_ += static_cast<int64_t>(line.size());
}

void FilesChunk::Close(std::deque<OpenObject>::iterator object) {
  auto& planned = plan_.objects[object->number];
  auto& content = contents_[object->number];
  content = std::move(object->packer).Finish();
  planned.rows = object->rows;
  planned.bytes = static_cast<int64_t>(content.size());
  planned.sha256 = Sha256Hex(content);
  open_.erase(object);
}

FilesChunk::Added FilesChunk::Add(const event::EventBatch& events, size_t first, size_t last) {
  Added added;
  if (first == last) return added;
  if (empty()) Start(events, first);
  line_.Begin(events);
  std::string line;
  std::string folder;
  int64_t time_minute = 0;
  int64_t arrival_minute = 0;
  for (size_t i = first; i < last; ++i) {
    line.clear();
    const auto outcome = line_.Append(i, line);
    if (outcome == LineOutcome::kBlank) ++added.blank;
    if (outcome == LineOutcome::kRejected) {
      const auto& reject = added.rejects.emplace_back(line_.reject());
      if (error_path_) {
        line_.AppendRefused(reject, line);
        AddLine(error_path_->Render(events.topic, events.partition, events.arrival(i), events.timestamp(i),
                                    event::ToString(reject.cause)),
                line);
      }
    }
    if (outcome != LineOutcome::kRow) continue;
    const auto time = events.timestamp(i);
    const auto arrival = events.arrival(i);
    if (added.rows++ == 0 || MinuteOf(arrival) != arrival_minute ||
        (path_.by_event_time() && MinuteOf(time) != time_minute)) {
      folder = path_.Render(events.topic, events.partition, arrival, time);
      time_minute = MinuteOf(time);
      arrival_minute = MinuteOf(arrival);
    }
    AddLine(folder, line);
  }
  plan_.records += static_cast<int64_t>(last - first);
  plan_.last_offset = events.offset(last - 1);
  return added;
}

int64_t FilesChunk::held_bytes() const {
  int64_t bytes = 0;
  for (const auto& object : open_) bytes += object.packer.held_bytes();
  for (const auto& content : contents_) bytes += static_cast<int64_t>(content.size());
  return bytes;
}

SealedChunk FilesChunk::Seal(event::Cursor end) && {
  while (!open_.empty()) Close(open_.begin());
  plan_.end = std::move(end);
  return {std::move(plan_), std::move(contents_)};
}

}  // namespace millrace::land
