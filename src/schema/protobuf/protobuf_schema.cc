#include "schema/protobuf/protobuf_schema.h"

#include <fmt/format.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/api.pb.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>
#include <google/protobuf/wrappers.pb.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "io/digest.h"

namespace millrace::schema {

namespace pb = google::protobuf;

namespace {

constexpr const char* kTypes = "type.googleapis.com";
constexpr const char* kMainFile = "schema.proto";
constexpr int kIndexesMax = 64;
constexpr int kBracesMax = 100;

/// The first thing that is wrong.
class FirstError : public pb::io::ErrorCollector, public pb::DescriptorPool::ErrorCollector {
 public:
  void AddError(int line, pb::io::ColumnNumber column, const std::string& message) override {
    Keep(fmt::format("line {}, column {}: {}", line + 1, column + 1, message));
  }
  void AddError(const std::string& file, const std::string& element, const pb::Message*, ErrorLocation,
                const std::string& message) override {
    Keep(fmt::format("{}{}: {}", file == kMainFile ? "" : file + ": ", element, message));
  }
  void AddWarning(int, pb::io::ColumnNumber, const std::string&) override {}
  void AddWarning(const std::string&, const std::string&, const pb::Message*, ErrorLocation,
                  const std::string&) override {}
  const std::string& what() const { return what_; }

 private:
  void Keep(std::string what) {
    if (what_.empty()) what_ = std::move(what);
  }
  std::string what_;
};

/// A file that others import may hold enums alone, or nothing but imports.
bool ParseDescriptor(std::string_view text, pb::FileDescriptorProto& file) {
  std::string bytes;
  return io::DecodeBase64(text, bytes) && file.ParseFromString(bytes) &&
         (!file.message_type().empty() || !file.enum_type().empty() || !file.dependency().empty());
}

/// The parser goes one call deeper for each.
void CheckDepth(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    if (c == '{' && ++depth > kBracesMax) {
      throw Error(ErrorCode::kData, fmt::format("no Protobuf schema: it is nested deeper than {} levels", kBracesMax));
    }
    if (c == '}') depth = std::max(0, depth - 1);
  }
}

pb::FileDescriptorProto ParseFile(std::string_view text, const std::string& name) {
  pb::FileDescriptorProto file;
  if (!ParseDescriptor(text, file)) {
    file.Clear();
    CheckDepth(text);
    FirstError errors;
    pb::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
    pb::io::Tokenizer tokens(&input, &errors);
    pb::compiler::Parser parser;
    parser.RecordErrorsTo(&errors);
    if (!parser.Parse(&tokens, &file)) {
      const auto where = name == kMainFile ? std::string() : name + ": ";
      throw Error(ErrorCode::kData, fmt::format("no Protobuf schema: {}{}", where, errors.what()));
    }
  }
  file.set_name(name);
  return file;
}

/// The files that come with Protobuf. They are known once something of them is used.
const pb::DescriptorPool& OwnFiles() {
  static const auto* const pool = [] {
    pb::SetLogHandler(nullptr);  // what it logs comes back as an error too
    for (const auto* known : {pb::Any::descriptor(), pb::Api::descriptor(), pb::Duration::descriptor(),
                              pb::Empty::descriptor(), pb::FieldMask::descriptor(), pb::Struct::descriptor(),
                              pb::Timestamp::descriptor(), pb::Int32Value::descriptor()}) {
      (void)known->file();
    }
    return pb::DescriptorPool::generated_pool();
  }();
  return *pool;
}

bool IsOwn(const std::string& name) {
  return name.starts_with("google/protobuf/") && OwnFiles().FindFileByName(name) != nullptr;
}

const pb::Descriptor* FindIn(const pb::Descriptor& message, std::string_view name) {
  for (int i = 0; i < message.nested_type_count(); ++i) {
    const auto* inner = message.nested_type(i);
    if (inner->full_name() == name) return inner;
    if (const auto* found = FindIn(*inner, name)) return found;
  }
  return nullptr;
}

void PutVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

}  // namespace

struct ProtobufSchema::Parts {
  pb::SimpleDescriptorDatabase files;
  pb::DescriptorPoolDatabase own{OwnFiles()};
  pb::MergedDescriptorDatabase both{&files, &own};
  FirstError errors;
  pb::DescriptorPool pool{&both, &errors};
  const pb::FileDescriptor* file = nullptr;
  pb::DynamicMessageFactory messages;
  std::unique_ptr<pb::util::TypeResolver> types{pb::util::NewTypeResolverForDescriptorPool(kTypes, &pool)};
};

ProtobufSchema::ProtobufSchema(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ProtobufSchema::ProtobufSchema(ProtobufSchema&& other) noexcept = default;
ProtobufSchema& ProtobufSchema::operator=(ProtobufSchema&& other) noexcept = default;
ProtobufSchema::~ProtobufSchema() = default;

ProtobufSchema ProtobufSchema::Parse(std::string_view text, const std::vector<RegisteredSchema::Used>& imports) {
  auto parts = std::make_unique<Parts>();
  for (const auto& used : imports) {
    if (IsOwn(used.name)) continue;
    parts->files.Add(ParseFile(used.text, used.name));  // one that is there already is the same
  }
  parts->files.Add(ParseFile(text, kMainFile));
  parts->file = parts->pool.FindFileByName(kMainFile);
  if (parts->file == nullptr) {
    throw Error(ErrorCode::kData, "no Protobuf schema: " + parts->errors.what());
  }
  return ProtobufSchema(std::move(parts));
}

const pb::FileDescriptor& ProtobufSchema::file() const { return *parts_->file; }

const pb::Descriptor* ProtobufSchema::At(const MessageIndexes& indexes) const {
  if (indexes.empty() || indexes[0] < 0 || indexes[0] >= parts_->file->message_type_count()) return nullptr;
  const auto* message = parts_->file->message_type(indexes[0]);
  for (size_t i = 1; i < indexes.size(); ++i) {
    if (indexes[i] < 0 || indexes[i] >= message->nested_type_count()) return nullptr;
    message = message->nested_type(indexes[i]);
  }
  return message;
}

const pb::Descriptor* ProtobufSchema::Find(std::string_view name) const {
  const auto& file = *parts_->file;
  if (name.empty()) return file.message_type_count() == 0 ? nullptr : file.message_type(0);
  for (const auto& full : {std::string(name), file.package() + "." + std::string(name)}) {
    for (int i = 0; i < file.message_type_count(); ++i) {
      if (file.message_type(i)->full_name() == full) return file.message_type(i);
      if (const auto* found = FindIn(*file.message_type(i), full)) return found;
    }
  }
  return nullptr;
}

std::string ProtobufSchema::Encode(std::string_view json, const pb::Descriptor& message) const {
  std::string bytes;
  const auto status = pb::util::JsonToBinaryString(parts_->types.get(), std::string(kTypes) + "/" + message.full_name(),
                                                   {json.data(), json.size()}, &bytes);
  if (!status.ok()) {
    throw Error(ErrorCode::kData, fmt::format("is no {}: {}", message.full_name(),
                                              std::string(status.message().data(), status.message().size())));
  }
  const std::unique_ptr<pb::Message> made(parts_->messages.GetPrototype(&message)->New());
  if (!made->ParsePartialFromString(bytes) || !made->IsInitialized()) {
    throw Error(ErrorCode::kData,
                fmt::format("is no {}: it lacks {}", message.full_name(), made->InitializationErrorString()));
  }
  return made->SerializeAsString();
}

std::string ProtobufFileBytes(std::string_view text) {
  auto file = ParseFile(text, kMainFile);
  file.clear_name();
  file.clear_source_code_info();
  return file.SerializeAsString();
}

std::vector<std::string> ProtobufImports(std::string_view text) {
  const auto file = ParseFile(text, kMainFile);
  std::vector<std::string> imports;
  for (const auto& name : file.dependency()) {
    if (!IsOwn(name)) imports.push_back(name);
  }
  return imports;
}

std::optional<MessageIndexes> TakeMessageIndexes(std::string_view& bytes) {
  const auto next = [&]() -> std::optional<int32_t> {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(bytes.front());
      bytes.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return static_cast<int32_t>((value >> 1) ^ (~(value & 1) + 1));
    }
    return std::nullopt;
  };
  const auto count = next();
  if (!count || *count < 0 || *count > kIndexesMax) return std::nullopt;
  if (*count == 0) return MessageIndexes{0};
  MessageIndexes indexes;
  for (int32_t i = 0; i < *count; ++i) {
    const auto index = next();
    if (!index) return std::nullopt;
    indexes.push_back(*index);
  }
  return indexes;
}

std::string MessageIndexBytes(const pb::Descriptor& message) {
  MessageIndexes indexes;
  for (const auto* at = &message; at != nullptr; at = at->containing_type()) indexes.push_back(at->index());
  std::ranges::reverse(indexes);
  std::string bytes;
  if (indexes == MessageIndexes{0}) return {'\0'};
  PutVarint(bytes, indexes.size() * 2);
  for (const auto index : indexes) PutVarint(bytes, static_cast<uint64_t>(index) * 2);
  return bytes;
}

}  // namespace millrace::schema
