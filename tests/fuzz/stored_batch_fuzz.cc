// Any bytes, as a batch that the embedded stream has stored: it is read within its bounds or called damaged; and as
// records, which come back as they were.
//
// First byte: the codec; second: what the numbers say; the rest is the payload.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "event/record_headers.h"
#include "stream/embedded/batch_format.h"

namespace {

using namespace millrace;
using namespace millrace::stream;

constexpr int64_t kBodyBytesMax = 1 << 16;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

BodyIndex Unpack(const BatchNumbers& numbers, std::string_view payload, std::string& body) {
  body.assign(static_cast<size_t>(numbers.body_bytes), '\0');
  UnpackBody(numbers, payload, body.data());
  return ReadBodyIndex(numbers, body);
}

void ReadDamaged(uint8_t codec, uint8_t shape, std::string_view payload) {
  BatchNumbers numbers;
  numbers.codec = static_cast<Codec>(codec % 5);
  numbers.count = shape % 16;
  numbers.body_bytes = std::min<int64_t>(kBodyBytesMax, static_cast<int64_t>(payload.size()) * (1 + shape / 64));
  numbers.records_bytes = numbers.body_bytes / (1 + shape / 16 % 4);
  try {
    std::string body;
    const auto index = Unpack(numbers, payload, body);
    Require(index.records.size() == static_cast<size_t>(numbers.count), "as many records as its number says");
    for (const auto& span : index.records) Require(span.begin + span.size <= body.size(), "a record outside");
    for (const auto& span : index.keys) Require(span.begin + span.size <= index.key_bytes.size(), "a key outside");
    for (const auto& span : index.headers) {
      Require(span.begin + span.size <= index.header_bytes.size(), "headers outside");
      try {
        event::HeadersOf(std::string_view(index.header_bytes).substr(span.begin, span.size));
      } catch (const Error& error) {
        Require(error.code() == ErrorCode::kData, error.what());
      }
    }
    Require(index.times.empty() || index.times.size() == index.records.size(), "a time for each");
  } catch (const Error& error) {
    Require(error.code() == ErrorCode::kData, error.what());
  }
}

void RoundTrip(std::string_view lines) {
  event::EventBatch events;
  events.payload = PaddedBuffer::CopyOf(lines);
  for (size_t at = 0; at <= lines.size();) {
    const auto end = std::min(lines.find('\n', at), lines.size());
    events.records.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end - at)});
    at = end + 1;
  }
  Slice slice;
  slice.events = &events;
  slice.whole = true;
  BatchBuilder builder;
  for (size_t at = 0; at < slice.size();) {
    const size_t first = at;
    at += builder.Add(slice, at, kBodyBytesMax);
    const auto stored = builder.Finish();
    std::string body;
    const auto index = Unpack(stored.numbers, stored.payload, body);
    Require(index.records.size() == at - first, "as many records as went in");
    for (size_t i = 0; i < index.records.size(); ++i) {
      const auto span = index.records[i];
      Require(std::string_view(body).substr(span.begin, span.size) == events.record(first + i), "the same record");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  ReadDamaged(data[0], data[1], rest);
  RoundTrip(rest);
  return 0;
}
