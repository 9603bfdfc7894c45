#include "decode/json_scan.h"

#include <bitset>
#include <cstring>

#include "decode/string_copy.h"

namespace millrace::decode {
namespace {

constexpr int kDepthLimit = 1024;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// One value, token by token; the open brackets are a bit each (1: object).
class Scan {
 public:
  Scan(const char* begin, const char* end, int depth_max) : at_(begin), end_(end), depth_max_(depth_max) {}

  Scanned Run() {
    do {
      if (!Value()) return Failed();
      while (depth_ > 0 && !expects_value_) {
        if (!AfterValue()) return Failed();
      }
    } while (depth_ > 0);
    return {.end = at_};
  }

 private:
  Scanned Failed() const { return {.cause = cause_, .wrong_at = at_, .why = why_}; }
  bool Fail(const char* why) {
    why_ = why;
    return false;
  }
  void Space() { at_ = SkipSpace(at_, end_); }
  char Peek() const { return at_ == end_ ? '\0' : *at_; }

  bool Value() {
    expects_value_ = false;
    Space();
    switch (Peek()) {
      case '{':
        return Open(true);
      case '[':
        return Open(false);
      case '"':
        return String();
      case 't':
        return Literal("true");
      case 'f':
        return Literal("false");
      case 'n':
        return Literal("null");
      default:
        return Number();
    }
  }

  bool Open(bool object) {
    if (depth_ == depth_max_ || depth_ == kDepthLimit) {
      cause_ = event::RejectCause::kTooDeep;
      return Fail("is nested deeper than the limit");
    }
    is_object_[static_cast<size_t>(depth_++)] = object;
    ++at_;
    Space();
    if (Peek() == (object ? '}' : ']')) return Close();
    expects_value_ = true;
    return !object || Key();
  }

  bool Close() {
    ++at_;
    --depth_;
    expects_value_ = false;
    return true;
  }

  bool AfterValue() {
    const bool object = is_object_[static_cast<size_t>(depth_ - 1)];
    Space();
    if (Peek() == (object ? '}' : ']')) return Close();
    if (Peek() != ',') return Fail("has no comma or closing bracket where one must be");
    ++at_;
    expects_value_ = true;
    return !object || Key();
  }

  bool Key() {
    Space();
    if (Peek() != '"') return Fail("has no key where one must be");
    if (!String()) return false;
    Space();
    if (Peek() != ':') return Fail("has no colon after a key");
    ++at_;
    return true;
  }

  bool String() {
    for (++at_;; ++at_) {
      at_ = FindStringStop(at_, end_);
      if (at_ == end_) return Fail("has a string without an end");
      if (*at_ == '"') {
        ++at_;
        return true;
      }
      if (*at_ != '\\') return Fail("has a raw control character in a string");
      if (!Escape()) return false;
    }
  }

  /// Leaves `at_` on the last character of the escape.
  bool Escape() {
    if (++at_ == end_) return Fail("has a string without an end");
    if (*at_ != 'u')
      return std::strchr("\"\\/bfnrt", *at_) != nullptr && *at_ != '\0' ? true : Fail("has an unknown escape");
    for (int digit = 0; digit < 4; ++digit) {
      if (++at_ == end_ || !IsHex(*at_)) return Fail("has a broken \\u escape");
    }
    return true;
  }

  bool Literal(std::string_view word) {
    if (static_cast<size_t>(end_ - at_) < word.size() || std::memcmp(at_, word.data(), word.size()) != 0) {
      return Fail("has an unknown literal");
    }
    at_ += word.size();
    return true;
  }

  bool Number() {
    const char* const start = at_;
    if (Peek() == '-') ++at_;
    if (!IsDigit(Peek())) {
      at_ = start;
      return Fail("has no value where one must be");
    }
    if (Peek() == '0') {
      ++at_;
      if (IsDigit(Peek())) return Fail("has a number with a leading zero");
    } else {
      Digits();
    }
    if (Peek() == '.') {
      ++at_;
      if (!Digits()) return Fail("has a number without digits after the point");
    }
    if (Peek() == 'e' || Peek() == 'E') {
      ++at_;
      if (Peek() == '+' || Peek() == '-') ++at_;
      if (!Digits()) return Fail("has a number without an exponent");
    }
    return true;
  }

  bool Digits() {
    const char* const start = at_;
    while (IsDigit(Peek())) ++at_;
    return at_ != start;
  }

  const char* at_;
  const char* const end_;
  const int depth_max_;
  int depth_ = 0;
  bool expects_value_ = false;
  std::bitset<kDepthLimit> is_object_;
  event::RejectCause cause_ = event::RejectCause::kMalformed;
  const char* why_ = "";
};

}  // namespace

Scanned ScanValue(const char* begin, const char* end, int depth_max) { return Scan(begin, end, depth_max).Run(); }

}  // namespace millrace::decode
