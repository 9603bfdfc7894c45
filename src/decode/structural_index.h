#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace millrace::decode {

/// The tokens of JSON text: where each of {}[]:, and the first byte of each string, number and literal lies. Between
/// two tokens there is only the first one's own text and white space. Made by simdjson's first stage, which also
/// proves the text to be UTF-8, its strings closed and free of raw control characters. The grammar is the reader's.
/// Not thread-safe; holds memory in proportion to the longest text so far, until Rest.
class StructuralIndex {
 public:
  StructuralIndex();
  ~StructuralIndex();
  StructuralIndex(const StructuralIndex&) = delete;
  StructuralIndex& operator=(const StructuralIndex&) = delete;

  enum class Result { kOk, kEmpty, kInvalidUtf8, kMalformed, kTooLarge };
  /// Indexes `text`, which may hold many documents.
  Result Build(std::string_view text);

  /// The tokens are not read any more: their memory, more than a megabyte, goes to whichever index builds next. So many
  /// decoders that take turns hold no more than those that are at work.
  void Rest();

  /// count() offsets, rising; three more may be read behind them, of which the first two are text.size().
  const uint32_t* tokens() const;
  uint32_t count() const;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

bool IsUtf8(std::string_view text);

}  // namespace millrace::decode
