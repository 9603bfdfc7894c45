#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/event_batch.h"

namespace millrace::event {

/// Headers of one record, in order: names, which may come again, and values, which may be missing.
using HeaderList = std::vector<std::pair<std::string, std::optional<std::string>>>;

struct HeaderView {
  std::string_view name;
  std::optional<std::string_view> value;
};

/// Adds a header to those of a record as bytes (EventBatch::header_block). The embedded stream stores them: frozen.
///
///   { varint of the name's size, name, varint of 1 + the value's size (0: no value), value } for each header
void AppendHeader(std::string& block, std::string_view name, std::optional<std::string_view> value);

/// What AppendHeader wrote, as views into it. Error kData when it is not that.
std::vector<HeaderView> HeadersOf(std::string_view block);

/// Gives records of a batch their headers, one record after the other.
class HeaderCollector {
 public:
  /// To the record at hand.
  void Add(std::string_view name, std::optional<std::string_view> value) { AppendHeader(bytes_, name, value); }
  void EndRecord();
  /// Into the batch whose records these are; nothing when none has one. Starts over.
  void MoveInto(EventBatch& batch);

 private:
  std::string bytes_;
  std::vector<Span> spans_;
};

/// Gives every record of the batch the same headers.
void SetHeaders(const HeaderList& headers, EventBatch& batch);

}  // namespace millrace::event
