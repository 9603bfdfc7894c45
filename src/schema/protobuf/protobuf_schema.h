#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/registry/registry.h"

namespace google::protobuf {
class Descriptor;
class FileDescriptor;
}  // namespace google::protobuf

namespace millrace::schema {

/// Which message of a file: the number of a message at the top, then of one inside it, and so on.
using MessageIndexes = std::vector<int32_t>;

/// The message types of one .proto file, with those that it imports. What google/protobuf/*.proto defines (timestamps,
/// wrappers, ...) is always there. Immutable; movable, and what it hands out stays where it is.
class ProtobufSchema {
 public:
  /// `text`: a .proto file, or a FileDescriptorProto in Base64, as some clients register it. `imports` are called as
  /// the files that import them do. Error kData with line and column for text that is none.
  static ProtobufSchema Parse(std::string_view text, const std::vector<RegisteredSchema::Used>& imports = {});

  ProtobufSchema(ProtobufSchema&& other) noexcept;
  ProtobufSchema& operator=(ProtobufSchema&& other) noexcept;
  ~ProtobufSchema();

  const google::protobuf::FileDescriptor& file() const;
  /// Null: there is no such message.
  const google::protobuf::Descriptor* At(const MessageIndexes& indexes) const;
  /// By its name, with the package or without; null: there is none. An empty name: the first message of the file.
  const google::protobuf::Descriptor* Find(std::string_view name) const;

  /// JSON (the Protobuf form of it) as the bytes of one of its messages. Error kData with the member that does not fit.
  /// Thread-safe.
  std::string Encode(std::string_view json, const google::protobuf::Descriptor& message) const;

 private:
  struct Parts;
  explicit ProtobufSchema(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// The file as a serialized FileDescriptorProto without a name: equal for texts that say the same. Error kData.
std::string ProtobufFileBytes(std::string_view text);

/// The names of the files that a .proto file imports, but for those that are always there. Error kData.
std::vector<std::string> ProtobufImports(std::string_view text);

/// Takes the indexes off that stand before a message in Confluent's wire format: their count and they themselves as
/// zigzag varints, a single zero for the first message. nullopt: they are damaged, or more than 64.
std::optional<MessageIndexes> TakeMessageIndexes(std::string_view& bytes);
std::string MessageIndexBytes(const google::protobuf::Descriptor& message);

}  // namespace millrace::schema
