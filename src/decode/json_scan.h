#pragma once

#include "event/decoder.h"

namespace millrace::decode {

/// What a strict look at one JSON value found (RFC 8259). UTF-8 is not looked at: the tokens were proven before.
struct Scanned {
  const char* end = nullptr;  // behind the value; null: it is none
  event::RejectCause cause = event::RejectCause::kMalformed;
  const char* wrong_at = nullptr;  // where it went wrong
  const char* why = "";

  explicit operator bool() const { return end != nullptr; }
};

/// Checks the value that begins at `begin` (no white space before it) and finds its end. Needs no stack for depth:
/// a nesting over `depth_max` is found at its first bracket too many (kTooDeep). depth_max <= 1024. Reads up to 32
/// bytes behind `end` (PaddedBuffer has them).
Scanned ScanValue(const char* begin, const char* end, int depth_max);

/// Skips JSON's white space.
inline const char* SkipSpace(const char* at, const char* end) {
  while (at != end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  return at;
}

}  // namespace millrace::decode
