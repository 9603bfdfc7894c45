#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "event/event_batch.h"

namespace millrace::source {

/// Makes a batch without a position of JSON documents: copies into one payload, one a line.
class JoinedRecords {
 public:
  /// Room for all of these.
  explicit JoinedRecords(const std::vector<std::string_view>& documents);

  enum class Form {
    kMinified,
    kOneLine,  // as it came, unless that has line breaks
  };
  /// The record that it became, which is padded and good until the next one.
  std::string_view Add(std::string_view document, Form form);
  /// The last one does not count.
  void TakeBack();
  std::shared_ptr<event::EventBatch> Finish();

 private:
  std::shared_ptr<PaddedBuffer> payload_;
  std::shared_ptr<event::EventBatch> batch_;
  size_t size_ = 0;
};

/// All of them at once, each in one line.
std::shared_ptr<event::EventBatch> Joined(const std::vector<std::string_view>& documents);

}  // namespace millrace::source
