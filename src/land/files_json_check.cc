#include "land/files_json_check.h"

#include <string>

#include "base/hex_digit.h"

namespace millrace::land {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  bool Document() {
    for (bool complete = false; !complete;) {
      if (!Value(complete)) return false;
    }
    SkipSpace();
    return at_ == text_.size();
  }

 private:
  /// A scalar, or the opening of a container: up to where the next value begins, or to the end of the document, which
  /// makes it `complete`.
  bool Value(bool& complete) {
    SkipSpace();
    if (Take('{')) {
      if (!Push('}')) return false;
      SkipSpace();
      if (!Peek('}')) return Name();
    } else if (Take('[')) {
      if (!Push(']')) return false;
      SkipSpace();
      if (!Peek(']')) return true;
    } else if (!(Take('"') ? String() : Word("true") || Word("false") || Word("null") || Number())) {
      return false;
    }
    return AfterValue(complete);
  }

  /// After a value: a comma and the next one, or the ends of the containers it closes.
  bool AfterValue(bool& complete) {
    while (!open_.empty()) {
      SkipSpace();
      if (Take(',')) return open_.back() == ']' || Name();
      if (!Take(open_.back())) return false;
      open_.pop_back();
    }
    complete = true;
    return true;
  }

  bool Push(char closer) {
    open_ += closer;
    return open_.size() <= kJsonDepthMax;
  }

  bool Name() {
    SkipSpace();
    if (!Take('"') || !String()) return false;
    SkipSpace();
    return Take(':');
  }

  bool Escape() {
    if (at_ >= text_.size()) return false;
    const char c = text_[at_++];
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    const int unit = CodeUnit();
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return false;
    if (unit < 0xD800 || unit > 0xDBFF) return true;
    if (!Take('\\') || !Take('u')) return false;
    const int low = CodeUnit();
    return low >= 0xDC00 && low <= 0xDFFF;
  }

  int CodeUnit() {
    if (text_.size() - at_ < 4) return -1;
    int unit = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = HexDigit(text_[at_++]);
      if (digit < 0) return -1;
      unit = unit * 16 + digit;
    }
    return unit;
  }

  bool String() {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (c == '\\' && !Escape()) return false;
    }
    return false;
  }

  bool Number() {
    Take('-');
    if (!Take('0') && !Digits()) return false;
    if (Take('.') && !Digits()) return false;
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      return Digits();
    }
    return true;
  }

  bool Digits() {
    const size_t begin = at_;
    while (at_ < text_.size() && IsDigit(text_[at_])) ++at_;
    return at_ > begin;
  }

  bool Word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool Peek(char c) const { return at_ < text_.size() && text_[at_] == c; }

  bool Take(char c) {
    if (!Peek(c)) return false;
    ++at_;
    return true;
  }

  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string open_;  // the closers that are due, innermost last
};

}  // namespace

bool IsJsonDocument(std::string_view text) { return Checker(text).Document(); }

}  // namespace millrace::land
