#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "event/event_batch.h"
#include "source/file/file_options.h"

namespace millrace::source {

/// Finds where records lie in the bytes of a file. What it finds depends on the bytes alone, not on how they were
/// cut into blocks. Stateless between Scan calls; Skip goes on where StartSkip began.
class RecordScanner {
 public:
  static constexpr size_t kNotYet = static_cast<size_t>(-1);

  virtual ~RecordScanner() = default;

  /// `block` starts between two records. Appends the spans of the whole records at its front and returns the bytes
  /// that are done with. `last`: nothing follows, so what is left at the end is a record too.
  virtual size_t Scan(std::string_view block, bool last, std::vector<event::Span>* records) = 0;

  /// `block` is the front of one record that is too long to hold.
  virtual void StartSkip(std::string_view block) = 0;
  /// Goes on behind it: the bytes up to its end, or kNotYet when it goes on behind `more`.
  virtual size_t Skip(std::string_view more) = 0;
};

std::unique_ptr<RecordScanner> MakeLineScanner();
/// `in_array`: the file's first token is '[', and its elements are the records; else top-level values are.
std::unique_ptr<RecordScanner> MakeJsonValueScanner(bool in_array, bool at_start_of_file);
/// A row with a quote that stays open for more than `row_bytes_max` bytes ends at its first line break.
std::unique_ptr<RecordScanner> MakeCsvScanner(char delimiter, char quote, size_t row_bytes_max);

}  // namespace millrace::source
