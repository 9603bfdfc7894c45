#include "decode/avro/avro_frames.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/error.h"
#include "schema/registry/registered_avro.h"

namespace millrace::decode {
namespace {

constexpr size_t kFingerprintPrefixBytes = 10;
constexpr std::string_view kSingleObjectMark = "\xC3\x01";

}  // namespace

AvroFrames::AvroFrames(AvroFraming framing, const std::vector<std::string>& known,
                       std::shared_ptr<schema::SchemaLookup> schemas)
    : framing_(framing), verdicts_(schemas, schema::SchemaKind::kAvro) {
  const bool needs_schema = framing != AvroFraming::kConfluent;
  if (needs_schema ? known.empty() : schemas == nullptr) {
    throw Error(ErrorCode::kConfig, needs_schema ? "Avro messages that name no registry's schema need `schemas`"
                                                 : "Avro messages that name a registry's schema need a registry");
  }
  for (const auto& text : known) {
    try {
      auto parsed = schema::AvroSchema::Parse(text);
      plain_ = writers_.size();
      known_[schema::Fingerprint(parsed.root())] = plain_;
      writers_.push_back({.schema = std::move(parsed), .unusable = {}});
    } catch (const Error& error) {
      throw Error(ErrorCode::kConfig, error.message());
    }
  }
}

std::optional<AvroFrames::Frame> AvroFrames::Fail(std::string why) {
  why_ = std::move(why);
  return std::nullopt;
}

std::optional<AvroFrames::Frame> AvroFrames::Find(std::string_view message) {
  switch (framing_) {
    case AvroFraming::kNone:
      return Frame{plain_, 0};
    case AvroFraming::kConfluent:
      if (const auto id = schema::SchemaIdOf(message)) return Registered(*id);
      return Fail(WhyNotFramed(message));
    case AvroFraming::kSingleObject: {
      if (message.size() < kFingerprintPrefixBytes || !message.starts_with(kSingleObjectMark)) {
        return Fail("does not begin with C3 01 and a fingerprint, as single objects do");
      }
      uint64_t fingerprint = 0;
      std::memcpy(&fingerprint, message.data() + 2, sizeof fingerprint);
      const auto found = known_.find(fingerprint);
      if (found != known_.end()) return Frame{found->second, kFingerprintPrefixBytes};
      return Fail(fmt::format("is of a schema with fingerprint {:016x}, which is none of `schemas`", fingerprint));
    }
  }
  return std::nullopt;
}

std::optional<AvroFrames::Frame> AvroFrames::Registered(int32_t id) {
  if (const auto known = registered_.find(id); known != registered_.end()) {
    return Frame{known->second, schema::kSchemaPrefixBytes};
  }
  const auto& verdict = verdicts_.Of(id);
  if (!verdict.schema) return Fail(verdict.why);
  Writer writer;
  try {
    writer.schema = schema::ParseAvro(*verdict.schema, schema::AvroSchema::Rules::kLenient);
  } catch (const Error& error) {
    writer.unusable = fmt::format("is of schema {}: {}", id, error.message());
  }
  registered_[id] = writers_.size();
  writers_.push_back(std::move(writer));
  return Frame{writers_.size() - 1, schema::kSchemaPrefixBytes};
}

}  // namespace millrace::decode
