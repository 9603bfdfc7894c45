#include "document/firestore/firestore_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "document/decimal.h"
#include "document/members.h"

namespace millrace::document {
namespace {

using event::RejectCause;
namespace dom = simdjson::dom;

// https://firebase.google.com/docs/firestore/quotas
constexpr size_t kDocumentBytesMax = size_t{1} << 20;
constexpr size_t kIdBytesMax = 1500;
constexpr size_t kNameBytesMax = 1500;
constexpr int kDepthMax = 20;
constexpr size_t kShown = 100;

/// Names and ids that Firestore keeps for itself.
bool IsReserved(std::string_view name) { return name.size() >= 4 && name.starts_with("__") && name.ends_with("__"); }

void CheckName(std::string_view name) {
  if (name.empty()) throw Unfit{RejectCause::kContract, "a member has no name, and a field must have one"};
  if (name.size() > kNameBytesMax) {
    throw Unfit{RejectCause::kTooLarge,
                fmt::format("the name of a member has {} bytes, and one may have {}", name.size(), kNameBytesMax)};
  }
  if (IsReserved(name)) {
    throw Unfit{RejectCause::kContract, fmt::format("the name {} is reserved by Firestore", name.substr(0, kShown))};
  }
}

void AppendEncoded(std::string_view text, bool joined, std::string& id) {
  for (const char c : text) {
    if (c == '/' || c == '%' || (joined && c == '|') || static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(id), "%{:02X}", static_cast<unsigned char>(c));
    } else {
      id += c;
    }
  }
}

std::string Checked(std::string id) {
  if (id == "." || id == ".." || IsReserved(id)) {
    id = fmt::format("%{:02X}{}", static_cast<unsigned char>(id[0]), id.substr(1));
  }
  if (id.size() > kIdBytesMax) {
    throw Unfit{RejectCause::kTooLarge,
                fmt::format("its id has {} bytes, and one may have {}", id.size(), kIdBytesMax)};
  }
  return id;
}

std::string KeyText(dom::element value, const std::string& name) {
  switch (value.type()) {
    case dom::element_type::STRING:
      return std::string(value.get_string().value_unsafe());
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::BIGINT:
      return simdjson::minify(value);
    case dom::element_type::DOUBLE:
      throw Unfit{RejectCause::kContract,
                  fmt::format("{} is {}, and a fraction makes no id; make it text", name, simdjson::minify(value))};
    default:
      throw Unfit{RejectCause::kMissingKey, fmt::format("{} is {}, and an id is made of text and whole numbers", name,
                                                        simdjson::minify(value).substr(0, kShown))};
  }
}

/// Whether the double says all the digits that the number is written with.
bool HoldsAll(double value, std::string_view text) {
  constexpr size_t kAlwaysHeld = 15;
  constexpr size_t kDigitsMax = 800;  // no double has more
  const auto wanted = DecimalOf(text);
  if (wanted.digits.size() <= kAlwaysHeld) return true;
  if (wanted.digits.size() > kDigitsMax) return false;
  return DecimalOf(fmt::format("{:.{}e}", value, wanted.digits.size() - 1)) == wanted;
}

class Filling {
 public:
  Filling(NumberTexts numbers, LongNumbers long_numbers) : numbers_(numbers), long_numbers_(long_numbers) {}

  void Fill(firestore::Value& to, dom::element value, int depth) {
    switch (value.type()) {
      case dom::element_type::OBJECT:
        return Map(*to.mutable_map_value(), value.get_object().value_unsafe(), depth + 1);
      case dom::element_type::ARRAY:
        return List(*to.mutable_array_value(), value.get_array().value_unsafe(), depth + 1);
      case dom::element_type::STRING: {
        const auto text = value.get_string().value_unsafe();
        return to.set_string_value(text.data(), text.size());
      }
      case dom::element_type::BOOL:
        return to.set_boolean_value(value.get_bool().value_unsafe());
      case dom::element_type::NULL_VALUE:
        return to.set_null_value(google::protobuf::NULL_VALUE);
      case dom::element_type::INT64:
        numbers_.Next();
        return to.set_integer_value(value.get_int64().value_unsafe());
      default:
        return Number(to, numbers_.Next());
    }
  }

 private:
  static void CheckDepth(int depth) {
    if (depth > kDepthMax) throw Unfit{RejectCause::kTooDeep, fmt::format("nested deeper than {}", kDepthMax)};
  }

  void Map(firestore::MapValue& to, dom::object object, int depth) {
    CheckDepth(depth);
    MemberNames names;
    for (const auto member : object) {
      names.Add(member.key);
      CheckName(member.key);
      Fill((*to.mutable_fields())[std::string(member.key)], member.value, depth);
    }
  }

  void List(firestore::ArrayValue& to, dom::array list, int depth) {
    CheckDepth(depth);
    for (const auto item : list) {
      if (item.is_array()) throw Unfit{RejectCause::kContract, "a list within a list, which Firestore does not take"};
      Fill(*to.add_values(), item, depth);
    }
  }

  void Number(firestore::Value& to, std::string_view text) const {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && HoldsAll(value, text)) return to.set_double_value(value);
    if (long_numbers_ == LongNumbers::kText) return to.set_string_value(text.data(), text.size());
    throw Unfit{RejectCause::kContract,
                fmt::format("the number {} is kept by neither an integer of 64 bits nor a double; `long_numbers: text` "
                            "keeps such as text",
                            ShownNumber(text))};
  }

  NumberTexts numbers_;
  const LongNumbers long_numbers_;
};

size_t BytesOf(const google::protobuf::Map<std::string, firestore::Value>& fields);

/// As Firestore counts. https://firebase.google.com/docs/firestore/storage-size
size_t BytesOf(const firestore::Value& value) {
  switch (value.value_type_case()) {
    case firestore::Value::kStringValue:
      return value.string_value().size() + 1;
    case firestore::Value::kBytesValue:
      return value.bytes_value().size();
    case firestore::Value::kArrayValue: {
      size_t bytes = 0;
      for (const auto& item : value.array_value().values()) bytes += BytesOf(item);
      return bytes;
    }
    case firestore::Value::kMapValue:
      return BytesOf(value.map_value().fields());
    case firestore::Value::kNullValue:
    case firestore::Value::kBooleanValue:
      return 1;
    case firestore::Value::kIntegerValue:
    case firestore::Value::kDoubleValue:
    case firestore::Value::kTimestampValue:
    case firestore::Value::VALUE_TYPE_NOT_SET:
      return 8;
  }
  return 8;
}

size_t BytesOf(const google::protobuf::Map<std::string, firestore::Value>& fields) {
  size_t bytes = 0;
  for (const auto& [name, value] : fields) bytes += name.size() + 1 + BytesOf(value);
  return bytes;
}

size_t BytesOf(const firestore::Document& document) {
  // Of the name counts what stands behind ".../documents/", one byte more a part, and 16.
  constexpr std::string_view kDocuments = "/documents/";
  const auto& name = document.name();
  const auto path = name.substr(std::min(name.find(kDocuments) + kDocuments.size(), name.size()));
  return path.size() + 1 + 16 + 32 + BytesOf(document.fields());
}

}  // namespace

std::string FirestoreId(std::span<const dom::element> values, std::span<const std::string> names) {
  std::string id;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto text = KeyText(values[i], names[i]);
    if (text.empty()) throw Unfit{RejectCause::kMissingKey, fmt::format("{} is empty, and makes the id", names[i])};
    if (i > 0) id += '|';
    AppendEncoded(text, values.size() > 1, id);
  }
  return Checked(std::move(id));
}

std::string FirestoreId(std::string_view text) {
  std::string id;
  AppendEncoded(text, false, id);
  return Checked(std::move(id));
}

void SetTime(google::protobuf::Timestamp& to, Timestamp time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  to.set_seconds(seconds.time_since_epoch().count());
  to.set_nanos(static_cast<int32_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds).count()));
}

void FirestoreDocument::Members(const JsonRecord& record, LongNumbers long_numbers) {
  Filling filling(NumberTexts(record.text), long_numbers);
  MemberNames names;
  for (const auto member : record.object) {
    names.Add(member.key);
    CheckName(member.key);
    filling.Fill(Member(std::string(member.key)), member.value, 0);
  }
}

void FirestoreDocument::Version(const document::Version& version, std::optional<Timestamp> deleted) {
  auto& members = *Member(std::string(kVersionMember)).mutable_map_value()->mutable_fields();
  members["split"].set_string_value(version.split.value());
  members["offset"].set_integer_value(version.offset);
  SetTime(*members["time"].mutable_timestamp_value(), std::chrono::floor<std::chrono::milliseconds>(version.time));
  if (deleted) SetTime(*members["deleted"].mutable_timestamp_value(), *deleted);
}

void FirestoreDocument::Time(const std::string& name, Timestamp time) {
  SetTime(*Member(name).mutable_timestamp_value(), time);
}

void FirestoreDocument::Held(const std::string& name, std::string_view bytes, size_t bytes_max) {
  const auto held = FirstOf(bytes, bytes_max);
  if (held.text) return Text(name, held.bytes);
  Member(name).set_bytes_value(std::string(held.bytes));
}

std::string FirestoreDocument::Finish() const {
  const auto bytes = BytesOf(document_);
  if (bytes > kDocumentBytesMax) {
    throw Unfit{RejectCause::kTooLarge, fmt::format("{} bytes, and a document may have 1 MiB", bytes)};
  }
  return document_.SerializeAsString();
}

std::optional<Version> VersionIn(const firestore::Document& document) {
  const auto found = document.fields().find(std::string(kVersionMember));
  if (found == document.fields().end()) return std::nullopt;
  const auto& members = found->second.map_value().fields();
  const auto split = members.find("split");
  const auto offset = members.find("offset");
  const auto time = members.find("time");
  if (split == members.end() || offset == members.end() || time == members.end()) return std::nullopt;
  const auto& at = time->second.timestamp_value();
  return Version{.split = event::SplitId(split->second.string_value()),
                 .offset = offset->second.integer_value(),
                 .time = Timestamp(std::chrono::seconds(at.seconds())) +
                         std::chrono::floor<std::chrono::milliseconds>(std::chrono::nanoseconds(at.nanos()))};
}

std::string TextIn(const firestore::Document& document, const std::string& name) {
  const auto found = document.fields().find(name);
  return found == document.fields().end() ? "" : found->second.string_value();
}

}  // namespace millrace::document
