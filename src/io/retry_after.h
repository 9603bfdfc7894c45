#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "io/http_header.h"

namespace millrace::io {

/// How long an answer asks to be left alone: the Retry-After header (RFC 9110), seconds or a date. nullopt when it does
/// not say, or not in a way that can be read; never negative.
std::optional<std::chrono::seconds> RetryAfter(const std::vector<HttpHeader>& headers, Timestamp now);

}  // namespace millrace::io
