#pragma once

#include <memory>
#include <stop_token>

#include "base/clock.h"
#include "schema/registry/registry.h"

namespace millrace::schema {

/// A lookup that waits for a registry that does not answer: an outage ends no run. Says so in the log; throws the error
/// once stopped. Thread-safe.
class PatientLookup final : public SchemaLookup {
 public:
  PatientLookup(std::shared_ptr<SchemaLookup> inner, const Clock& clock, std::stop_token stop)
      : inner_(std::move(inner)), clock_(clock), stop_(std::move(stop)) {}

  RegisteredSchemaPtr Find(int32_t id) override;

 private:
  std::shared_ptr<SchemaLookup> inner_;
  const Clock& clock_;
  std::stop_token stop_;
};

}  // namespace millrace::schema
