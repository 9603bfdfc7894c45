#include "schema/protobuf/protobuf_compatibility.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <map>
#include <string_view>
#include <utility>

namespace millrace::schema {

namespace pb = google::protobuf;

namespace {

constexpr int kDepthMax = 64;

/// Types whose values are read as those of another of the same number.
int WireGroup(const pb::FieldDescriptor& field) {
  switch (field.type()) {
    case pb::FieldDescriptor::TYPE_INT32:
    case pb::FieldDescriptor::TYPE_INT64:
    case pb::FieldDescriptor::TYPE_UINT32:
    case pb::FieldDescriptor::TYPE_UINT64:
    case pb::FieldDescriptor::TYPE_BOOL:
    case pb::FieldDescriptor::TYPE_ENUM:
      return 1;
    case pb::FieldDescriptor::TYPE_SINT32:
    case pb::FieldDescriptor::TYPE_SINT64:
      return 2;
    case pb::FieldDescriptor::TYPE_STRING:
    case pb::FieldDescriptor::TYPE_BYTES:
      return 3;
    case pb::FieldDescriptor::TYPE_FIXED32:
    case pb::FieldDescriptor::TYPE_SFIXED32:
      return 4;
    case pb::FieldDescriptor::TYPE_FIXED64:
    case pb::FieldDescriptor::TYPE_SFIXED64:
      return 5;
    default:
      return 100 + field.type();
  }
}

bool IsNumber(const pb::FieldDescriptor& field) {
  return field.message_type() == nullptr && field.cpp_type() != pb::FieldDescriptor::CPPTYPE_STRING;
}

class Comparison {
 public:
  std::vector<std::string> Run(const pb::FileDescriptor& reader, const pb::FileDescriptor& writer) {
    for (int i = 0; i < writer.message_type_count(); ++i) {
      const auto& wrote = *writer.message_type(i);
      Found(reader.FindMessageTypeByName(wrote.name()), wrote, 0);
    }
    return std::move(whys_);
  }

 private:
  void Found(const pb::Descriptor* reads, const pb::Descriptor& wrote, int depth) {
    if (reads == nullptr) {
      whys_.push_back(fmt::format("message {} is gone", PathOf(wrote)));
      return;
    }
    if (depth == kDepthMax) return;
    Fields(*reads, wrote);
    Oneofs(*reads, wrote);
    for (int i = 0; i < wrote.nested_type_count(); ++i) {
      const auto& inner = *wrote.nested_type(i);
      // The entries of a map are compared with the field that has them.
      if (!inner.options().map_entry()) Found(reads->FindNestedTypeByName(inner.name()), inner, depth + 1);
    }
  }

  void Fields(const pb::Descriptor& reads, const pb::Descriptor& wrote) {
    for (int i = 0; i < wrote.field_count(); ++i) {
      const auto& field = *wrote.field(i);
      const auto* const now = reads.FindFieldByNumber(field.number());
      if (now != nullptr) {
        Field(*now, field);
      } else if (field.real_containing_oneof() != nullptr) {
        Say(field, "is gone from its oneof");
      }
    }
    for (int i = 0; i < reads.field_count(); ++i) {
      const auto& field = *reads.field(i);
      const auto* const before = wrote.FindFieldByNumber(field.number());
      if (field.is_required() && (before == nullptr || !before->is_required())) Say(field, "is required");
    }
  }

  void Field(const pb::FieldDescriptor& reads, const pb::FieldDescriptor& wrote) {
    if (reads.is_map() && wrote.is_map()) {
      Field(*reads.message_type()->map_key(), *wrote.message_type()->map_key());
      Field(*reads.message_type()->map_value(), *wrote.message_type()->map_value());
      return;
    }
    if (WireGroup(reads) != WireGroup(wrote) || reads.is_map() != wrote.is_map()) {
      return Say(wrote, fmt::format("is {} here and {} there", reads.type_name(), wrote.type_name()));
    }
    if (wrote.message_type() != nullptr && PathOf(*reads.message_type()) != PathOf(*wrote.message_type())) {
      return Say(wrote,
                 fmt::format("is {} here and {} there", PathOf(*reads.message_type()), PathOf(*wrote.message_type())));
    }
    if (IsNumber(reads) && IsNumber(wrote) && reads.is_repeated() != wrote.is_repeated()) {
      Say(wrote,
          reads.is_repeated() ? "is repeated here, and one number there" : "is one number here, and repeated there");
    }
  }

  /// Of two fields that come into one oneof, a message may have had both.
  void Oneofs(const pb::Descriptor& reads, const pb::Descriptor& wrote) {
    for (int i = 0; i < reads.real_oneof_decl_count(); ++i) {
      const auto& oneof = *reads.oneof_decl(i);
      std::map<std::string, int> from;
      for (int j = 0; j < oneof.field_count(); ++j) {
        const auto* const before = wrote.FindFieldByNumber(oneof.field(j)->number());
        if (before == nullptr) continue;
        const auto* const together = before->real_containing_oneof();
        from[together != nullptr ? "oneof " + std::string(together->name()) : "field " + std::string(before->name())]++;
      }
      if (from.size() > 1) {
        whys_.push_back(fmt::format("oneof {} of {} has fields that a message may have had side by side", oneof.name(),
                                    PathOf(reads)));
      }
    }
  }

  void Say(const pb::FieldDescriptor& field, std::string_view what) {
    whys_.push_back(
        fmt::format("field {} ({}) of {} {}", field.number(), field.name(), PathOf(*field.containing_type()), what));
  }

  /// The name without the package, which may change.
  static std::string PathOf(const pb::Descriptor& message) {
    const auto& package = message.file()->package();
    return package.empty() ? message.full_name() : message.full_name().substr(package.size() + 1);
  }

  std::vector<std::string> whys_;
};

}  // namespace

std::vector<std::string> WhyProtobufUnreadable(const ProtobufSchema& reader, const ProtobufSchema& writer) {
  return Comparison().Run(reader.file(), writer.file());
}

}  // namespace millrace::schema
