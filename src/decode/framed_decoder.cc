#include "decode/framed_decoder.h"

#include <algorithm>
#include <utility>

namespace millrace::decode {

using event::Decoded;
using event::EventBatch;
using event::RejectCause;

namespace {

constexpr auto kPrefix = static_cast<uint32_t>(schema::kSchemaPrefixBytes);

}  // namespace

std::string FramedDecoder::WhyNot(std::string_view message) {
  if (const auto id = schema::SchemaIdOf(message)) return verdicts_.Of(*id).why;
  return "does not begin with a zero byte and the number of its schema: it was not written by a registry's "
         "serializer";
}

Decoded FramedDecoder::Decode(const EventBatch& events) {
  verdicts_.NextBatch();
  EventBatch inner = events;
  inner.records.clear();
  inner.keys.clear();
  inner.newline_joined = false;
  std::vector<uint32_t> record_of;
  std::vector<event::Reject> rejects;
  for (uint32_t record = 0; record < events.size(); ++record) {
    auto span = events.records[record];
    if (span.size > 0) {
      if (auto why = WhyNot(events.record(record)); !why.empty()) {
        rejects.push_back({.record = record, .cause = RejectCause::kMalformed, .detail = std::move(why)});
        continue;
      }
      span.begin += kPrefix;
      span.size -= kPrefix;
    }
    inner.records.push_back(span);
    if (!events.keys.empty()) inner.keys.push_back(events.keys[record]);
    record_of.push_back(record);
  }
  Decoded decoded = documents_->Decode(inner);
  if (rejects.empty()) return decoded;
  const auto renumber = [&](std::vector<uint32_t>& records) {
    for (auto& record : records) record = record_of[record];
  };
  const bool every_record = decoded.record_of_row.empty() && decoded.rows != nullptr;
  if (every_record) decoded.record_of_row = record_of;
  if (!every_record) renumber(decoded.record_of_row);
  renumber(decoded.record_of_delete);
  for (auto& reject : decoded.rejects) reject.record = record_of[reject.record];
  decoded.rejects.insert(decoded.rejects.end(), std::make_move_iterator(rejects.begin()),
                         std::make_move_iterator(rejects.end()));
  std::ranges::sort(decoded.rejects, {}, &event::Reject::record);
  return decoded;
}

}  // namespace millrace::decode
