#include "schema/protobuf/protobuf_avro.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/error.h"

namespace millrace::schema {

namespace pb = google::protobuf;
using Json = nlohmann::ordered_json;

namespace {

/// An Avro schema may not be nested deeper than 64 levels, a record and a union for each message.
constexpr int kDepthMax = 31;

ProtobufForm FormOfMessage(const pb::Descriptor& message) {
  switch (message.well_known_type()) {
    case pb::Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return ProtobufForm::kTimestamp;
    case pb::Descriptor::WELLKNOWNTYPE_DOUBLEVALUE:
    case pb::Descriptor::WELLKNOWNTYPE_FLOATVALUE:
    case pb::Descriptor::WELLKNOWNTYPE_INT64VALUE:
    case pb::Descriptor::WELLKNOWNTYPE_UINT64VALUE:
    case pb::Descriptor::WELLKNOWNTYPE_INT32VALUE:
    case pb::Descriptor::WELLKNOWNTYPE_UINT32VALUE:
    case pb::Descriptor::WELLKNOWNTYPE_STRINGVALUE:
    case pb::Descriptor::WELLKNOWNTYPE_BYTESVALUE:
    case pb::Descriptor::WELLKNOWNTYPE_BOOLVALUE:
      return ProtobufForm::kWrapper;
    case pb::Descriptor::WELLKNOWNTYPE_STRUCT:
    case pb::Descriptor::WELLKNOWNTYPE_VALUE:
    case pb::Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return ProtobufForm::kJson;
    default:
      return ProtobufForm::kRecord;
  }
}

class Writer {
 public:
  Json Record(const pb::Descriptor& message) {
    if (!defined_.insert(message.full_name()).second) return message.full_name();
    if (++depth_ > kDepthMax) {
      throw Error(ErrorCode::kData, fmt::format("messages within messages, more than {} levels of them", kDepthMax));
    }
    Json record{{"type", "record"}, {"name", message.full_name()}};
    record["fields"] = Json::array();
    for (int i = 0; i < message.field_count(); ++i) record["fields"].push_back(Field(*message.field(i)));
    --depth_;
    return record;
  }

 private:
  Json Field(const pb::FieldDescriptor& field) {
    Json made{{"name", field.name()}};
    if (field.is_map()) {
      made["type"] = {{"type", "map"}, {"values", Value(*field.message_type()->map_value())}};
    } else if (field.is_repeated()) {
      made["type"] = {{"type", "array"}, {"items", Value(field)}};
    } else {
      made["type"] = Json::array({"null", Value(field)});
      made["default"] = nullptr;
    }
    return made;
  }

  Json Value(const pb::FieldDescriptor& field) {
    switch (FormOf(field)) {
      case ProtobufForm::kBool:
        return "boolean";
      case ProtobufForm::kInt:
        return "int";
      case ProtobufForm::kLong:
        return "long";
      case ProtobufForm::kUnsigned:
        return {{"type", "bytes"}, {"logicalType", "decimal"}, {"precision", 20}, {"scale", 0}};
      case ProtobufForm::kFloat:
        return "float";
      case ProtobufForm::kDouble:
        return "double";
      case ProtobufForm::kText:
      case ProtobufForm::kEnum:
      case ProtobufForm::kJson:
        return "string";
      case ProtobufForm::kBytes:
        return "bytes";
      case ProtobufForm::kTimestamp:
        return {{"type", "long"}, {"logicalType", "timestamp-micros"}};
      case ProtobufForm::kWrapper:
        return Value(*field.message_type()->field(0));
      case ProtobufForm::kRecord:
        return Record(*field.message_type());
    }
    return "null";
  }

  std::set<std::string> defined_;
  int depth_ = 0;
};

}  // namespace

ProtobufForm FormOf(const pb::FieldDescriptor& field) {
  switch (field.type()) {
    case pb::FieldDescriptor::TYPE_BOOL:
      return ProtobufForm::kBool;
    case pb::FieldDescriptor::TYPE_INT32:
    case pb::FieldDescriptor::TYPE_SINT32:
    case pb::FieldDescriptor::TYPE_SFIXED32:
      return ProtobufForm::kInt;
    case pb::FieldDescriptor::TYPE_INT64:
    case pb::FieldDescriptor::TYPE_SINT64:
    case pb::FieldDescriptor::TYPE_SFIXED64:
    case pb::FieldDescriptor::TYPE_UINT32:
    case pb::FieldDescriptor::TYPE_FIXED32:
      return ProtobufForm::kLong;
    case pb::FieldDescriptor::TYPE_UINT64:
    case pb::FieldDescriptor::TYPE_FIXED64:
      return ProtobufForm::kUnsigned;
    case pb::FieldDescriptor::TYPE_FLOAT:
      return ProtobufForm::kFloat;
    case pb::FieldDescriptor::TYPE_DOUBLE:
      return ProtobufForm::kDouble;
    case pb::FieldDescriptor::TYPE_STRING:
      return ProtobufForm::kText;
    case pb::FieldDescriptor::TYPE_BYTES:
      return ProtobufForm::kBytes;
    case pb::FieldDescriptor::TYPE_ENUM:
      return ProtobufForm::kEnum;
    case pb::FieldDescriptor::TYPE_MESSAGE:
    case pb::FieldDescriptor::TYPE_GROUP:
      return FormOfMessage(*field.message_type());
  }
  return ProtobufForm::kBytes;
}

std::string AvroSchemaFor(const pb::Descriptor& message) {
  auto record = Writer().Record(message);
  const Json texts{{"type", "map"}, {"values", "string"}};
  record["fields"].push_back({{"name", kUnknownFields}, {"type", Json::array({"null", texts})}, {"default", nullptr}});
  return record.dump();
}

}  // namespace millrace::schema
