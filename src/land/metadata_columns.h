#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "event/event_batch.h"

namespace millrace::land {

/// Where a row came from, as columns of its own: _topic, _partition, _offset, _event_time, _ingested_at, _key.
class MetadataColumns {
 public:
  /// `wanted`: none of them where false.
  explicit MetadataColumns(bool wanted) : wanted_(wanted) {}

  /// The fields they add; none when not wanted.
  arrow::FieldVector fields() const;
  /// `schema` without them: what a decoder may know.
  std::shared_ptr<arrow::Schema> Without(const arrow::Schema& schema) const;
  /// `rows` with them behind; record_of_row as in Decoded.
  std::shared_ptr<arrow::RecordBatch> AddTo(const arrow::RecordBatch& rows, const event::EventBatch& events,
                                            const std::vector<uint32_t>& record_of_row) const;

 private:
  bool wanted_;
};

}  // namespace millrace::land
