#include "source/rest_proxy/proxy_schemas.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "source/rest_proxy/rest_refusal.h"

namespace millrace::source {
namespace {

constexpr size_t kKeptMax = 1000;
constexpr std::chrono::seconds kLatestFor{10};

/// What the registry says of a schema, in the words of the proxy.
template <typename Body>
auto AsRefusal(Body&& body) {
  try {
    return body();
  } catch (const RestRefusal&) {
    throw;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kInternal) throw;
    throw RestRefusal(kInvalidSchema, fmt::format("Invalid schema: {}", error.message()));
  }
}

}  // namespace

ProxySchemas::ProxySchemas(std::shared_ptr<schema::SchemaRegistry> registry, const Clock& clock)
    : registry_(std::move(registry)), clock_(clock) {}

EncoderPtr ProxySchemas::Keep(schema::RegisteredSchemaPtr schema) {
  const auto id = schema->id;
  if (schema->kind == schema::SchemaKind::kProtobuf) {
    throw RestRefusal(kInvalidSchema, fmt::format("Invalid schema: {} is Protobuf, which is not taken here", id));
  }
  auto encoder = std::make_shared<const schema::MessageEncoder>(std::move(schema));
  const std::lock_guard lock(mutex_);
  if (by_id_.size() >= kKeptMax) by_id_.clear();
  return by_id_.insert_or_assign(id, std::move(encoder)).first->second;
}

EncoderPtr ProxySchemas::ById(int32_t id) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_id_.find(id); found != by_id_.end()) return found->second;
  }
  return AsRefusal([&] {
    auto schema = registry_->Find(id);
    if (!schema) throw RestRefusal(kInvalidSchema, fmt::format("Invalid schema: there is no schema with id {}", id));
    return Keep(std::move(schema));
  });
}

EncoderPtr ProxySchemas::ByText(const std::string& subject, EmbeddedFormat format, const std::string& text) {
  const auto name = fmt::format("{}\n{}\n{}", ToString(format), subject, text);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_text_.find(name); found != by_text_.end()) return found->second;
  }
  return AsRefusal([&] {
    const auto kind = format == EmbeddedFormat::kAvro ? schema::SchemaKind::kAvro : schema::SchemaKind::kJson;
    auto encoder = ById(registry_->Register(subject, {.kind = kind, .text = text}));
    const std::lock_guard lock(mutex_);
    if (by_text_.size() >= kKeptMax) by_text_.clear();
    return by_text_.insert_or_assign(name, std::move(encoder)).first->second;
  });
}

EncoderPtr ProxySchemas::ByVersion(const std::string& subject, std::optional<int32_t> version) {
  const auto name = fmt::format("{}\n{}", version.value_or(0), subject);
  const auto now = clock_.Steady();
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_version_.find(name);
    if (found != by_version_.end() && now < found->second.until) return found->second.encoder;
  }
  return AsRefusal([&] {
    auto schema = registry_->Version(subject, version);
    if (!schema) {
      throw RestRefusal(kSerialization, fmt::format("Error serializing message. The subject {} has no {}", subject,
                                                    version ? fmt::format("version {}", *version) : "schema"));
    }
    auto encoder = Keep(std::move(schema));
    const std::lock_guard lock(mutex_);
    if (by_version_.size() >= kKeptMax) by_version_.clear();
    by_version_[name] = {encoder, now + kLatestFor};
    return encoder;
  });
}

}  // namespace millrace::source
