#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::source {

/// Where a text is no JSON document.
struct JsonFault {
  static constexpr size_t kShownBytes = 40;

  size_t byte = 0;
  size_t shown_from = 0;  // where what stands around it begins
  std::string excerpt;    // kShownBytes from there, printable
};

/// Looks at every byte of one document; nullopt: it is one. PaddedBuffer::kPadding bytes behind it must be readable.
std::optional<JsonFault> FindJsonFault(std::string_view padded);

/// The start of a text, printable.
std::string PrintableExcerpt(std::string_view text, size_t begin, size_t bytes);

}  // namespace millrace::source
