#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Schemas that messages name by a number, as Confluent's schema registry keeps them.
namespace millrace::schema {

enum class SchemaKind { kAvro, kJson, kProtobuf };
/// "AVRO", "JSON", "PROTOBUF": the words of the registry's API. Frozen: they are stored.
std::string_view ToString(SchemaKind kind);
std::optional<SchemaKind> ParseSchemaKind(std::string_view word);

/// A schema that another one uses, by the name that it uses it under.
struct SchemaReference {
  std::string name;
  std::string subject;
  int32_t version = 0;
  friend bool operator==(const SchemaReference&, const SchemaReference&) = default;
};

/// A schema as it is registered.
struct SchemaText {
  SchemaKind kind = SchemaKind::kAvro;
  std::string text;
  std::vector<SchemaReference> references = {};
  friend bool operator==(const SchemaText&, const SchemaText&) = default;
};

/// A schema with all that it needs to be understood.
struct RegisteredSchema {
  struct Used {
    std::string name;
    std::string text;
  };
  int32_t id = 0;
  SchemaKind kind = SchemaKind::kAvro;
  std::string text;
  std::vector<Used> references = {};  // each uses only those before it
};
using RegisteredSchemaPtr = std::shared_ptr<const RegisteredSchema>;

/// Who knows schemas by their numbers. Thread-safe.
class SchemaLookup {
 public:
  virtual ~SchemaLookup() = default;
  /// Null: there is none of this number. Error kUnavailable when that cannot be learnt.
  virtual RegisteredSchemaPtr Find(int32_t id) = 0;
};

/// Who gives schemas their numbers. Thread-safe.
class SchemaRegistry : public SchemaLookup {
 public:
  /// The number of a schema under a subject, a new version unless it is there. Error kData when it is no schema or does
  /// not go with the versions before it.
  virtual int32_t Register(const std::string& subject, const SchemaText& schema) = 0;
  /// Which version of a subject a schema is that is registered there.
  virtual int32_t VersionOf(const std::string& subject, const SchemaText& schema) = 0;
  /// A version of a subject; nullopt: its latest. Null: there is none.
  virtual RegisteredSchemaPtr Version(const std::string& subject, std::optional<int32_t> version) = 0;
  RegisteredSchemaPtr Latest(const std::string& subject) { return Version(subject, std::nullopt); }
};

/// How the subject of a topic's schemas is made: of the topic's name, of the record's, or of both.
enum class SubjectNaming { kTopic, kRecord, kTopicRecord };
/// `record` is the schema's full name (JSON: its title). Error kConfig when one is needed and it is empty.
std::string SubjectFor(SubjectNaming naming, const std::string& topic, const std::string& record, bool is_key);

/// What stands before a message in Confluent's wire format: a zero and the schema's number, big-endian.
inline constexpr size_t kSchemaPrefixBytes = 5;
/// nullopt when `message` does not begin so.
std::optional<int32_t> SchemaIdOf(std::string_view message);
std::string SchemaPrefix(int32_t id);

}  // namespace millrace::schema
