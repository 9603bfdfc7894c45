#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "event/event_batch.h"

namespace millrace::land {

/// What is known of a row's record beside its value, as columns: where it came from (_topic, _partition, _offset,
/// _event_time, _ingested_at, _key) and its headers (_headers).
class MetadataColumns {
 public:
  struct Wanted {
    bool origin = false;
    bool headers = false;
  };
  explicit MetadataColumns(Wanted wanted) : wanted_(wanted) {}

  /// The fields they add; none when none are wanted.
  arrow::FieldVector fields() const;
  /// `schema` without them: what a decoder may know.
  std::shared_ptr<arrow::Schema> Without(const arrow::Schema& schema) const;
  /// `rows` with them behind; record_of_row as in Decoded.
  std::shared_ptr<arrow::RecordBatch> AddTo(const arrow::RecordBatch& rows, const event::EventBatch& events,
                                            const std::vector<uint32_t>& record_of_row) const;

 private:
  static void AddOrigin(const event::EventBatch& events, const std::vector<size_t>& records,
                        arrow::ArrayVector& columns);

  Wanted wanted_;
};

}  // namespace millrace::land
