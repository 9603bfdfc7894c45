#include <algorithm>
#include <cstring>

#include "source/file/record_scanner.h"

namespace millrace::source {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

/// Walks one JSON value by its strings and brackets, and nothing else: what is inside is the decoder's affair.
class ValueWalk {
 public:
  /// Bytes of `text` that belong to the value, its end included; kNotYet when it goes on behind them. A scalar ends
  /// before the byte that ends it.
  size_t Walk(std::string_view text) {
    for (size_t at = 0; at < text.size(); ++at) {
      const char c = text[at];
      if (in_string_) {
        at = InString(text, at);
        if (!in_string_ && depth_ == 0 && at < text.size()) return at + 1;
        continue;
      }
      switch (c) {
        case '"':
          if (scalar_) return at;
          in_string_ = true;
          break;
        case '{':
        case '[':
          if (scalar_) return at;
          ++depth_;
          break;
        case '}':
        case ']':
          if (depth_ == 0) return scalar_ ? at : at + 1;
          if (--depth_ == 0) return at + 1;
          break;
        default:
          if (depth_ > 0) break;
          if (c == ',' || IsSpace(c)) return at;
          scalar_ = true;
      }
    }
    return RecordScanner::kNotYet;
  }

 private:
  /// The index of the byte that ends the string, or the end of the text.
  size_t InString(std::string_view text, size_t at) {
    if (escaped_ && at < text.size()) {
      escaped_ = false;
      ++at;
    }
    for (const size_t begin = at;;) {
      const size_t quote = std::min(text.find('"', at), text.size());
      size_t slashes = 0;
      while (quote - slashes > begin && text[quote - slashes - 1] == '\\') ++slashes;
      const bool escaped = slashes % 2 == 1;
      if (quote == text.size()) {
        escaped_ = escaped;
        return quote;
      }
      if (!escaped) {
        in_string_ = false;
        return quote;
      }
      at = quote + 1;
    }
  }

  int64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool scalar_ = false;
};

/// Between values stand white space and commas and, in a file that is one array, its own brackets: the first '['
/// of the file, and any ']' that closes no element.
class JsonValueScanner final : public RecordScanner {
 public:
  JsonValueScanner(bool in_array, bool at_start) : in_array_(in_array), expect_open_(in_array && at_start) {}

  size_t Scan(std::string_view block, bool last, std::vector<event::Span>* records) override {
    size_t at = 0;
    for (;;) {
      at = SkipBetween(block, at);
      if (at == block.size()) return at;
      ValueWalk walk;
      const size_t size = walk.Walk(block.substr(at));
      if (size == kNotYet && !last) return at;
      const size_t end = size == kNotYet ? EndWithoutSpace(block) : at + size;
      records->push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end - at)});
      if (size == kNotYet) return block.size();
      at = end;
    }
  }

  void StartSkip(std::string_view block) override {
    walk_ = ValueWalk();
    walk_.Walk(block.substr(SkipBetween(block, 0)));
  }

  size_t Skip(std::string_view more) override { return walk_.Walk(more); }

 private:
  size_t SkipBetween(std::string_view block, size_t at) {
    for (; at < block.size(); ++at) {
      const char c = block[at];
      if (IsSpace(c) || c == ',' || (in_array_ && c == ']')) continue;
      if (c != '[' || !expect_open_) return at;
      expect_open_ = false;
    }
    return at;
  }

  static size_t EndWithoutSpace(std::string_view block) {
    size_t end = block.size();
    while (end > 0 && IsSpace(block[end - 1])) --end;
    return end;
  }

  bool in_array_;
  bool expect_open_;
  ValueWalk walk_;
};

}  // namespace

std::unique_ptr<RecordScanner> MakeJsonValueScanner(bool in_array, bool at_start_of_file) {
  return std::make_unique<JsonValueScanner>(in_array, at_start_of_file);
}

}  // namespace millrace::source
