#include "land/files_line_chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace millrace::land {

FilesLineChunk::FilesLineChunk(std::string pipeline, FilesEncoding encoding, event::Cursor begin, size_t object_bytes)
    : FilesChunk(std::move(pipeline), std::move(encoding), std::move(begin)),
      object_bytes_(object_bytes),
      line_({.record_bytes_max = static_cast<size_t>(plan_.encoding.record_bytes_max),
             .record = plan_.encoding.record,
             .separator = plan_.encoding.separator,
             .framed = plan_.encoding.framed,
             .headers = plan_.encoding.headers}) {
  if (!plan_.encoding.error_path.empty()) {
    error_path_.emplace(plan_.encoding.error_path, PathTemplate::Of::kRefused, plan_.encoding.time_zone);
  }
}

FilesLineChunk::OpenObject& FilesLineChunk::ObjectFor(const std::string& folder, const From& from) {
  auto found = std::ranges::find(open_, folder, &OpenObject::folder);
  if (found != open_.end() && IsFull(found->packer.raw_bytes(), found->rows, found->first_time, from)) {
    Close(found);
    found = open_.end();
  }
  if (found != open_.end()) return *found;
  if (open_.size() >= static_cast<size_t>(encoding().open_files_max)) Close(open_.begin());
  const size_t number = Plan(folder, from);
  open_.push_back({folder, number, 0, from.time, FilesPacker(encoding().compression, encoding().level)});
  // Many folders are open at a time where each gets little.
  if (open_.size() == 1) open_.back().packer.Expect(object_bytes_);
  return open_.back();
}

void FilesLineChunk::AddLine(const std::string& folder, const From& from, std::string_view line) {
  auto& object = ObjectFor(folder, from);
  object.packer.room() += line;
  object.packer.Settle();
  CountRow(++object.rows);
  raw_bytes_ += static_cast<int64_t>(line.size());
}

void FilesLineChunk::Close(std::deque<OpenObject>::iterator object) {
  Fill(object->number, object->rows, std::move(object->packer).Finish());
  open_.erase(object);
}

void FilesLineChunk::CloseAll() {
  while (!open_.empty()) Close(open_.begin());
}

void FilesLineChunk::AddRefused(const event::EventBatch& events, const event::Reject& reject, Added& added) {
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

void FilesLineChunk::Add(const event::EventBatch& events, size_t first, size_t last, const OnAdded& on_added) {
  if (first == last) return;
  Note(events, first, last);
  Added added;
  line_.Begin(events);
  std::string line;
  FolderOf folders(path_);
  const MemberOf member = [this](const std::string& name) { return line_.Member(name); };
  for (size_t i = first; i < last; ++i) {
    line.clear();
    const auto outcome = line_.Append(i, line);
    if (outcome == LineOutcome::kBlank) ++added.blank;
    if (outcome == LineOutcome::kRejected) AddRefused(events, line_.reject(), added);
    if (outcome != LineOutcome::kRow) continue;
    const auto& folder = folders.Of({.topic = events.topic,
                                     .partition = events.partition,
                                     .ingested = events.arrival(i),
                                     .event = events.timestamp(i)},
                                    member);
    if (!folders.missing().empty()) {
      AddRefused(events, MissingFolder(i, folders.missing()), added);
      continue;
    }
    ++added.rows;
    AddLine(folder, {events.offset(i), events.timestamp(i)}, line);
  }
  on_added(events, added);
}

int64_t FilesLineChunk::held_bytes() const {
  int64_t bytes = filled_bytes();
  for (const auto& object : open_) bytes += object.packer.held_bytes();
  return bytes;
}

}  // namespace millrace::land
