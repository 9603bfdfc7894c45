#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "schema/registry/compatibility.h"
#include "schema/registry/registry.h"

namespace millrace::schema {

/// What the API answers instead of doing it: its error code, of which the first three digits are the HTTP status.
class RegistryRefusal final : public Error {
 public:
  RegistryRefusal(int code, std::string message) : Error(ErrorCode::kData, std::move(message)), code_(code) {}
  /// 40401, 42201, 409, ...: Confluent's.
  int code() const { return code_; }
  int status() const { return code_ >= 1000 ? code_ / 100 : code_; }

 private:
  int code_;
};

struct SchemaVersion {
  std::string subject;
  int32_t version = 0;
  int32_t id = 0;
  SchemaText schema;
};

/// Whether what is softly deleted counts.
enum class Deleted { kHidden, kShown };

/// The built-in registry: subjects, versions, numbers, compatibility and modes in one SQLite file, with the rules and
/// error codes of Confluent's API. Several processes may have the same file open. Thread-safe.
///
///     schemas(id, kind, text, refs, digest)             a schema is there once, whatever subjects have it
///     versions(subject, version, id, deleted)           deleted: softly, 1
///     settings(subject, compatibility, mode)            subject '': of all that have none of their own
class RegistryStore final : public SchemaRegistry {
 public:
  explicit RegistryStore(const std::filesystem::path& file);
  ~RegistryStore() override;

  RegisteredSchemaPtr Find(int32_t id) override;
  int32_t Register(const std::string& subject, const SchemaText& schema) override;
  int32_t VersionOf(const std::string& subject, const SchemaText& schema) override {
    return Lookup(subject, schema, Deleted::kHidden).version;
  }
  RegisteredSchemaPtr Version(const std::string& subject, std::optional<int32_t> version) override;

  /// What a registration in mode IMPORT brings along.
  struct Import {
    std::optional<int32_t> id;
    std::optional<int32_t> version;
  };
  int32_t Register(const std::string& subject, const SchemaText& schema, const Import& import);
  /// The version of a subject that is this schema.
  SchemaVersion Lookup(const std::string& subject, const SchemaText& schema, Deleted deleted);
  std::vector<std::string> Subjects(const std::string& prefix, Deleted deleted);
  std::vector<int32_t> Versions(const std::string& subject, Deleted deleted);
  /// `version`: a number, or "latest".
  SchemaVersion Get(const std::string& subject, const std::string& version, Deleted deleted);
  std::vector<int32_t> DeleteSubject(const std::string& subject, bool permanent);
  int32_t DeleteVersion(const std::string& subject, const std::string& version, bool permanent);
  /// Numbers of the schemas that refer to a version.
  std::vector<int32_t> ReferencedBy(const std::string& subject, const std::string& version);
  SchemaText ById(int32_t id);
  std::vector<SchemaVersion> UsesOf(int32_t id, Deleted deleted);
  /// Every version of every subject with the prefix.
  std::vector<SchemaVersion> All(const std::string& prefix, Deleted deleted, bool latest_only);

  /// Why a schema does not go with one version of a subject, or with those that its level asks for (nullopt).
  std::vector<std::string> WhyNot(const std::string& subject, const std::optional<std::string>& version,
                                  const SchemaText& schema);

  /// Of a subject, or with an empty name of all; nullopt: the subject has none of its own.
  std::optional<Compatibility> OwnCompatibility(const std::string& subject);
  Compatibility CompatibilityOf(const std::string& subject);
  void SetCompatibility(const std::string& subject, std::optional<Compatibility> level);
  /// READWRITE, READONLY, READONLY_OVERRIDE, IMPORT. `force`: IMPORT even where there are subjects.
  std::optional<std::string> OwnMode(const std::string& subject);
  std::string ModeOf(const std::string& subject);
  void SetMode(const std::string& subject, const std::optional<std::string>& mode, bool force);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::schema
