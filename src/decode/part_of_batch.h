#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "event/decoder.h"

namespace millrace::decode {

/// The records of a batch that another decoder is given, and the way back: what it says of its records, said of those
/// of the batch.
class PartOfBatch {
 public:
  explicit PartOfBatch(const event::EventBatch& events);

  /// The next record of the part; `span` is of the payload that events() will have.
  void Take(uint32_t record, event::Span span);
  void Reject(uint32_t record, event::RejectCause cause, std::string detail);
  void SetPayload(std::shared_ptr<const PaddedBuffer> payload) { part_.payload = std::move(payload); }

  void SetKeys(std::shared_ptr<const PaddedBuffer> payload, std::vector<event::Span> keys) {
    part_.key_payload = std::move(payload);
    part_.keys = std::move(keys);
  }

  /// Those taken, by their numbers in the batch.
  const std::vector<uint32_t>& records() const { return record_of_; }
  const event::EventBatch& events() const { return part_; }
  event::Decoded Whole(event::Decoded decoded) &&;

 private:
  const event::EventBatch& all_;
  event::EventBatch part_;
  std::vector<uint32_t> record_of_;
  std::vector<event::Reject> rejects_;
};

}  // namespace millrace::decode
