#include "decode/framed_decoder.h"

#include <utility>

#include "decode/part_of_batch.h"

namespace millrace::decode {

using event::Decoded;
using event::EventBatch;
using event::RejectCause;

namespace {

constexpr auto kPrefix = static_cast<uint32_t>(schema::kSchemaPrefixBytes);

}  // namespace

std::string FramedDecoder::WhyNot(std::string_view message) {
  if (const auto id = schema::SchemaIdOf(message)) return verdicts_.Of(*id).why;
  return WhyNotFramed(message);
}

Decoded FramedDecoder::Decode(const EventBatch& events) {
  verdicts_.NextBatch();
  PartOfBatch part(events);
  for (uint32_t record = 0; record < events.size(); ++record) {
    auto span = events.records[record];
    if (span.size > 0) {
      if (auto why = WhyNot(events.record(record)); !why.empty()) {
        part.Reject(record, RejectCause::kMalformed, std::move(why));
        continue;
      }
      span.begin += kPrefix;
      span.size -= kPrefix;
    }
    part.Take(record, span);
  }
  auto decoded = documents_->Decode(part.events());
  return std::move(part).Whole(std::move(decoded));
}

}  // namespace millrace::decode
