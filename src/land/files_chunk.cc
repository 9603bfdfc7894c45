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
    : path_(encoding.path, PathTemplate::Of::kRecords, encoding.time_zone),
      name_(encoding.name),
      line_({.record_bytes_max = static_cast<size_t>(encoding.record_bytes_max),
             .record = encoding.record,
             .separator = encoding.separator,
             .framed = encoding.framed}) {
  if (!encoding.error_path.empty()) {
    error_path_.emplace(encoding.error_path, PathTemplate::Of::kRefused, encoding.time_zone);
  }
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

bool FilesChunk::IsFull(const OpenObject& object, const From& from) const {
  const auto& encoding = plan_.encoding;
  if (object.packer.raw_bytes() >= encoding.file_bytes) return true;
  if (encoding.file_rows > 0 && object.rows >= encoding.file_rows) return true;
  return encoding.file_span_ms > 0 && from.time - object.first_time >= std::chrono::milliseconds(encoding.file_span_ms);
}

std::string FilesChunk::KeyOf(const std::string& folder, size_t number, const From& from) const {
  const auto& encoding = plan_.encoding;
  const auto extension =
      encoding.extension.empty() ? std::string(ExtensionOf(encoding.compression)) : encoding.extension;
  const auto name = encoding.name.empty() ? fmt::format("{}-{}-{:020}-{}-{:04}", SafeName(plan_.topic), plan_.partition,
                                                        plan_.first_offset, IncarnationOf(plan_), number)
                                          : name_.Render(plan_.topic, plan_.partition, from.offset);
  return (encoding.prefix.empty() ? "" : encoding.prefix + "/") + (folder.empty() ? "" : folder + "/") + name +
         extension;
}

FilesChunk::OpenObject& FilesChunk::ObjectFor(const std::string& folder, const From& from) {
  auto found = std::ranges::find(open_, folder, &OpenObject::folder);
  if (found != open_.end() && IsFull(*found, from)) {
    Close(found);
    found = open_.end();
  }
  if (found != open_.end()) return *found;
  if (open_.size() >= static_cast<size_t>(plan_.encoding.open_files_max)) Close(open_.begin());
  const size_t number = plan_.objects.size();
  plan_.objects.push_back({KeyOf(folder, number, from), 0, 0, {}});
  contents_.emplace_back();
  open_.push_back({folder, number, 0, from.time, FilesPacker(plan_.encoding.compression, plan_.encoding.level)});
  ++partial_;
  return open_.back();
}

void FilesChunk::AddLine(const std::string& folder, const From& from, std::string_view line) {
  auto& object = ObjectFor(folder, from);
  object.packer.room() += line;
  object.packer.Settle();
  if (++object.rows == plan_.encoding.file_rows) {
    ++full_;
    --partial_;
  }
  raw_bytes_ += static_cast<int64_t>(line.size());
}

void FilesChunk::Close(std::deque<OpenObject>::iterator object) {
  auto& planned = plan_.objects[object->number];
  auto& content = contents_[object->number];
  content = std::move(object->packer).Finish();
  planned.rows = object->rows;
  planned.bytes = static_cast<int64_t>(content.size());
  planned.sha256 = Sha256Hex(content);
  if (object->rows != plan_.encoding.file_rows) --partial_;
  open_.erase(object);
}

void FilesChunk::AddRefused(const event::EventBatch& events, const event::Reject& reject, Added& added) {
  added.rejects.push_back(reject);
  if (!error_path_) return;
  std::string line;
  line_.AppendRefused(reject, line);
  const size_t i = reject.record;
  AddLine(error_path_->Render({.topic = events.topic,
                               .partition = events.partition,
                               .ingested = events.arrival(i),
                               .event = events.timestamp(i),
                               .cause = event::ToString(reject.cause)}),
          {events.offset(i), events.timestamp(i)}, line);
}

FilesChunk::Added FilesChunk::Add(const event::EventBatch& events, size_t first, size_t last) {
  Added added;
  if (first == last) return added;
  if (empty()) Start(events, first);
  line_.Begin(events);
  std::string line;
  std::string folder;
  std::string missing;
  const MemberOf member = [this](const std::string& name) { return line_.Member(name); };
  int64_t time_minute = 0;
  int64_t arrival_minute = 0;
  for (size_t i = first; i < last; ++i) {
    line.clear();
    const auto outcome = line_.Append(i, line);
    if (outcome == LineOutcome::kBlank) ++added.blank;
    if (outcome == LineOutcome::kRejected) AddRefused(events, line_.reject(), added);
    if (outcome != LineOutcome::kRow) continue;
    const auto time = events.timestamp(i);
    const auto arrival = events.arrival(i);
    if (added.rows == 0 || path_.by_members() || MinuteOf(arrival) != arrival_minute ||
        (path_.by_event_time() && MinuteOf(time) != time_minute)) {
      missing.clear();
      folder = path_.Render({.topic = events.topic, .partition = events.partition, .ingested = arrival, .event = time},
                            member, &missing);
      if (!missing.empty()) {
        AddRefused(events,
                   {static_cast<uint32_t>(i), event::RejectCause::kPartitionValue,
                    fmt::format("its folder is named by {}, which it does not have as text, number or time", missing)},
                   added);
        continue;
      }
      time_minute = MinuteOf(time);
      arrival_minute = MinuteOf(arrival);
    }
    ++added.rows;
    AddLine(folder, {events.offset(i), time}, line);
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
