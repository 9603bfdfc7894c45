#include "decode/schema_verdicts.h"

#include <fmt/format.h>

#include "base/error.h"
#include "io/outage_patience.h"

namespace millrace::decode {
namespace {

/// More numbers than these that a registry does not know are not asked for in one batch.
constexpr int kUnknownMax = 100;
/// What a registry has not is asked for again after so many batches.
constexpr uint64_t kAskAgainBatches = 16;

}  // namespace

void SchemaVerdicts::NextBatch() {
  ++batches_;
  unknown_in_batch_ = 0;
  std::erase_if(verdicts_, [&](const auto& known) {
    return known.second.schema == nullptr && batches_ - known.second.asked >= kAskAgainBatches;
  });
}

const SchemaVerdicts::Verdict& SchemaVerdicts::Of(int32_t id) {
  if (const auto known = verdicts_.find(id); known != verdicts_.end()) return known->second;
  if (unknown_in_batch_ == kUnknownMax) {
    unasked_.why = fmt::format(
        "is of schema {}, which was not asked for: {} others of its batch cannot be read; mend those, then replay the "
        "record",
        id, kUnknownMax);
    return unasked_;
  }
  auto verdict = Ask(id);
  if (!verdict.schema) ++unknown_in_batch_;
  return verdicts_[id] = std::move(verdict);
}

SchemaVerdicts::Verdict SchemaVerdicts::Ask(int32_t id) const {
  Verdict verdict{.schema = nullptr, .asked = batches_};
  try {
    const auto found = io::OutagePatience::Ask([&] { return schemas_->Find(id); });
    if (!found) {
      verdict.why =
          fmt::format("is of schema {}, which the registry does not know; register it, then replay the record", id);
    } else if (found->kind != kind_) {
      verdict.why = fmt::format("is of schema {}, which is {} and not {}", id, ToString(found->kind), ToString(kind_));
    } else {
      verdict.schema = found;
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kData) throw;
    verdict.why = Capped(fmt::format("is of schema {}: {}", id, error.message()));
  }
  return verdict;
}

std::string WhyNotFramed(std::string_view message) {
  if (message[0] == '\0') return "ends inside the number of its schema";
  return fmt::format(
      "does not begin with the zero byte of the registry's format but with 0x{:02x}: it was not written by a "
      "registry's "
      "serializer",
      static_cast<uint8_t>(message[0]));
}

std::string Capped(std::string text) {
  constexpr size_t kBytesMax = 300;
  if (text.size() > kBytesMax) text.replace(kBytesMax, std::string::npos, "...");
  return text;
}

}  // namespace millrace::decode
