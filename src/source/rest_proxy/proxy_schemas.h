#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "schema/registry/registry.h"
#include "source/rest_proxy/embedded_format.h"

namespace millrace::source {

/// The schemas that requests name: by number, by text or as a version of a subject. What was looked up is kept, as each
/// request of a client names the same. Thread-safe.
class ProxySchemas {
 public:
  explicit ProxySchemas(std::shared_ptr<schema::SchemaRegistry> registry, const Clock& clock = Clock::System());

  // Throw RestRefusal kInvalidSchema for what is no schema, is not there, or does not go with the versions before it.
  EncoderPtr ById(int32_t id);
  /// Registered under the subject unless it is there.
  EncoderPtr ByText(const std::string& subject, EmbeddedFormat format, const std::string& text);
  /// nullopt: the latest version, as of some seconds ago.
  EncoderPtr ByVersion(const std::string& subject, std::optional<int32_t> version);

 private:
  EncoderPtr Keep(schema::RegisteredSchemaPtr schema);

  struct Latest {
    EncoderPtr encoder;
    SteadyTime until{};
  };
  const std::shared_ptr<schema::SchemaRegistry> registry_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<int32_t, EncoderPtr> by_id_;
  std::map<std::string, EncoderPtr> by_text_;  // format, subject and text
  std::map<std::string, Latest> by_version_;
};

}  // namespace millrace::source
