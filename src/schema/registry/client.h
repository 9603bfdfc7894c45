#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "schema/registry/registry.h"

namespace millrace::schema {

struct RegistryClientOptions {
  std::vector<std::string> urls;  // the same registry at several addresses; each may have a path
  std::string username = {};      // Basic, when given
  std::string password = {};
  std::string token = {};    // Bearer, when given
  std::string ca_file = {};  // PEM; empty: the system's
  std::chrono::milliseconds timeout{30'000};
  /// Of a registry that does not answer: how often a call asks it, at all its addresses in turn.
  int attempts_max = 4;
};

/// Speaks Confluent's schema registry API to Confluent's, Karapace, Apicurio (its path ends in /apis/ccompat/v7) or
/// this program's own. What a number stands for never changes, so it is asked for once. Thread-safe.
///
/// Errors: kConfig when it refuses who asks or is no registry, kData when it refuses a schema, kUnavailable when it
/// does not answer; each says which address and what to do.
class RegistryClient final : public SchemaRegistry {
 public:
  explicit RegistryClient(RegistryClientOptions options, const Clock& clock = Clock::System());
  ~RegistryClient() override;

  RegisteredSchemaPtr Find(int32_t id) override;
  int32_t Register(const std::string& subject, const SchemaText& schema) override;
  int32_t VersionOf(const std::string& subject, const SchemaText& schema) override;
  RegisteredSchemaPtr Version(const std::string& subject, std::optional<int32_t> version) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::schema
