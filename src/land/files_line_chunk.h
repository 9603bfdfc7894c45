#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "land/files_chunk.h"
#include "land/files_json_line.h"
#include "land/land_events.h"

namespace millrace::land {

/// A chunk as lines of JSON, text or bytes.
class FilesLineChunk final : public FilesChunk {
 public:
  /// `object_bytes`: how large an object is likely to be.
  FilesLineChunk(std::string pipeline, FilesEncoding encoding, event::Cursor begin, size_t object_bytes = 0);

  void Add(const event::EventBatch& events, size_t first, size_t last, const OnAdded& on_added) override;
  void Settle(bool, const OnAdded&) override {}
  bool keeps_rejects() const override { return error_path_.has_value(); }
  bool all_full() const override { return full_ > 0 && partial_ == 0; }
  int64_t held_bytes() const override;

 private:
  struct OpenObject {
    std::string folder;
    size_t number = 0;  // in the plan
    int64_t rows = 0;
    Timestamp first_time{};
    FilesPacker packer;
    std::unique_ptr<OpenDataFile> counted = std::make_unique<OpenDataFile>();
  };

  OpenObject& ObjectFor(const std::string& folder, const From& from);
  void AddLine(const std::string& folder, const From& from, std::string_view line);
  void AddRefused(const event::EventBatch& events, const event::Reject& reject, Added& added);
  void Close(std::deque<OpenObject>::iterator object);
  void CloseAll() override;

  const size_t object_bytes_;
  std::optional<PathTemplate> error_path_;
  JsonLineWriter line_;
  std::deque<OpenObject> open_;  // oldest first
};

}  // namespace millrace::land
