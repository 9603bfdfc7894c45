#include "decode/protobuf/protobuf_transcoder.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "decode/protobuf/protobuf_wire.h"
#include "io/digest.h"

namespace millrace::decode {

namespace pb = google::protobuf;
using event::RejectCause;
using schema::ProtobufForm;

namespace {

/// Fields of numbers below this are found by their number.
constexpr uint32_t kDirectMax = 256;
constexpr size_t kUnknownMax = 1000;
constexpr char kNull = '\0';
constexpr char kValue = '\2';  // branch 1 of a union, in zigzag

}  // namespace

struct ProtobufTranscoder::FieldPlan {
  uint32_t number = 0;
  ProtobufForm form = ProtobufForm::kBool;
  pb::FieldDescriptor::Type type = pb::FieldDescriptor::TYPE_BOOL;
  Wire wire = Wire::kVarint;
  bool repeated = false;
  bool map = false;
  int oneof = -1;                               // which of the message's
  const MessagePlan* message = nullptr;         // of every message but kJson; of a map, its entries
  const pb::EnumDescriptor* symbols = nullptr;  // kEnum
  std::string json_type = {};                   // kJson
  std::string fallback = {};                    // the value of who has none, in Avro
  std::string absent = {};                      // what the record says then: that, in its union, null, or an empty list

  bool is_message() const { return message != nullptr || form == ProtobufForm::kJson; }
};

struct ProtobufTranscoder::MessagePlan {
  std::vector<FieldPlan> fields;  // as they stand in the record
  std::vector<uint32_t> direct;   // by number, one more than the index; 0: none
  std::unordered_map<uint32_t, uint32_t> others;
  size_t oneofs = 0;

  /// One a field, then one a oneof.
  size_t slots() const { return fields.size() + oneofs; }
  const FieldPlan* Find(uint32_t number, size_t& index) const {
    if (number < direct.size()) {
      if (direct[number] == 0) return nullptr;
      index = direct[number] - 1;
      return &fields[index];
    }
    const auto found = others.find(number);
    if (found == others.end()) return nullptr;
    index = found->second;
    return &fields[index];
  }
};

ProtobufTranscoder::ProtobufTranscoder(const pb::Descriptor& message, Limits limits)
    : limits_(limits), row_(&PlanFor(message)) {}
ProtobufTranscoder::~ProtobufTranscoder() = default;

ProtobufTranscoder::Wire ProtobufTranscoder::WireOf(const pb::FieldDescriptor& field) {
  switch (field.type()) {
    case pb::FieldDescriptor::TYPE_DOUBLE:
    case pb::FieldDescriptor::TYPE_FIXED64:
    case pb::FieldDescriptor::TYPE_SFIXED64:
      return Wire::kFixed64;
    case pb::FieldDescriptor::TYPE_FLOAT:
    case pb::FieldDescriptor::TYPE_FIXED32:
    case pb::FieldDescriptor::TYPE_SFIXED32:
      return Wire::kFixed32;
    case pb::FieldDescriptor::TYPE_STRING:
    case pb::FieldDescriptor::TYPE_BYTES:
    case pb::FieldDescriptor::TYPE_MESSAGE:
      return Wire::kBytes;
    case pb::FieldDescriptor::TYPE_GROUP:
      return Wire::kGroup;
    default:
      return Wire::kVarint;
  }
}

ProtobufTranscoder::FieldPlan ProtobufTranscoder::FieldFor(const pb::FieldDescriptor& field) {
  FieldPlan plan{.number = static_cast<uint32_t>(field.number()),
                 .form = schema::FormOf(field),
                 .type = field.type(),
                 .wire = WireOf(field),
                 .repeated = field.is_repeated(),
                 .map = field.is_map(),
                 .oneof = field.real_containing_oneof() != nullptr ? field.real_containing_oneof()->index() : -1,
                 .symbols = field.enum_type(),
                 .fallback = DefaultOf(field)};
  if (plan.form == ProtobufForm::kJson) {
    plan.json_type = field.message_type()->full_name();
  } else if (field.message_type() != nullptr) {
    plan.message = &PlanFor(*field.message_type());
  }
  if (plan.repeated) {
    plan.absent = std::string(1, '\0');
  } else if (plan.is_message() || (field.has_presence() && !field.has_default_value())) {
    plan.absent = std::string(1, kNull);
  } else {
    plan.absent = kValue + plan.fallback;
  }
  return plan;
}

const ProtobufTranscoder::MessagePlan& ProtobufTranscoder::PlanFor(const pb::Descriptor& message) {
  auto& known = plans_[&message];
  if (known) return *known;
  known = std::make_unique<MessagePlan>();
  MessagePlan& plan = *known;
  plan.oneofs = static_cast<size_t>(message.real_oneof_decl_count());
  for (int i = 0; i < message.field_count(); ++i) {
    auto field = FieldFor(*message.field(i));
    const auto index = static_cast<uint32_t>(plan.fields.size());
    if (field.number < kDirectMax) {
      if (plan.direct.size() <= field.number) plan.direct.resize(field.number + 1);
      plan.direct[field.number] = index + 1;
    } else {
      plan.others[field.number] = index;
    }
    plan.fields.push_back(std::move(field));
  }
  return plan;
}

bool ProtobufTranscoder::Write(std::string_view message, std::string& out) {
  message_ = message;
  out_max_ = out.size() + static_cast<size_t>(limits_.record_bytes_max);
  occurrences_.assign(1, {});  // 0 is none
  slots_.clear();
  path_.clear();
  unknown_.clear();
  const size_t size = out.size();
  if (WriteMessage(*row_, message, 0, out)) {
    WriteUnknown(out);
    return true;
  }
  out.resize(size);
  return false;
}

bool ProtobufTranscoder::WriteMessage(const MessagePlan& plan, std::string_view message, int depth, std::string& out) {
  if (depth == limits_.depth_max) {
    return Fail(RejectCause::kTooDeep, fmt::format("is nested deeper than {} levels", limits_.depth_max));
  }
  const size_t slots = slots_.size(), occurrences = occurrences_.size();
  slots_.resize(slots + plan.slots());
  if (!Scan(plan, message, slots)) return false;
  for (size_t i = 0; i < plan.fields.size(); ++i) {
    const Slot slot = slots_[slots + i];
    const FieldPlan& field = plan.fields[i];
    if (slot.count == 0) {
      out += field.absent;
      continue;
    }
    path_.push_back(field.number);
    if (!WriteField(field, slot, depth, out)) return false;
    path_.pop_back();
  }
  slots_.resize(slots);
  occurrences_.resize(occurrences);
  if (out.size() <= out_max_) return true;
  return Fail(RejectCause::kTooLarge,
              fmt::format("comes to more than {} bytes with its defaults", limits_.record_bytes_max));
}

bool ProtobufTranscoder::Scan(const MessagePlan& plan, std::string_view message, size_t slots) {
  for (auto in = message; !in.empty();) {
    const auto at = in;
    uint64_t tag = 0;
    if (!TakeVarint(in, tag) || tag >> 3 == 0 || tag >> 32 != 0) return Damaged(at, "has a tag that is none");
    const auto number = static_cast<uint32_t>(tag >> 3);
    Occurrence value{.bytes = {}, .wire = static_cast<Wire>(tag & 7)};
    if (!TakeValue(in, number, value)) return Damaged(at, "has a field that does not end, or is of no wire type");
    size_t index = 0;
    const FieldPlan* const field = plan.Find(number, index);
    const bool fits =
        field != nullptr && (value.wire == field->wire || (field->repeated && value.wire == Wire::kBytes));
    if (!fits) {
      if (!NoteUnknown(number, value)) return false;
      continue;
    }
    if (field->oneof >= 0) {
      // The last one of a oneof is the one it holds.
      Slot& chosen = slots_[slots + plan.fields.size() + static_cast<size_t>(field->oneof)];
      const auto choice = static_cast<uint32_t>(index + 1);
      if (chosen.last != 0 && chosen.last != choice) slots_[slots + chosen.last - 1] = {};
      chosen.last = choice;
    }
    Slot& slot = slots_[slots + index];
    const auto place = static_cast<uint32_t>(occurrences_.size());
    occurrences_.push_back(value);
    (slot.count++ == 0 ? slot.first : occurrences_[slot.last].next) = place;
    slot.last = place;
  }
  return true;
}

bool ProtobufTranscoder::TakeValue(std::string_view& in, uint32_t number, Occurrence& value) {
  const auto start = in;
  uint64_t length = 0;
  switch (value.wire) {
    case Wire::kVarint:
      if (!TakeVarint(in, length)) return false;
      value.bytes = start.substr(0, start.size() - in.size());
      return true;
    case Wire::kFixed64:
      length = 8;
      break;
    case Wire::kFixed32:
      length = 4;
      break;
    case Wire::kBytes:
      if (!TakeVarint(in, length)) return false;
      break;
    case Wire::kGroup:
      return TakeGroup(in, number, value.bytes);
    default:
      return false;
  }
  if (length > in.size()) return false;
  value.bytes = in.substr(0, length);
  in.remove_prefix(length);
  return true;
}

/// What lies between a group's tag, which was taken, and its end.
bool ProtobufTranscoder::TakeGroup(std::string_view& in, uint32_t number, std::string_view& inside) {
  const auto start = in;
  std::vector<uint32_t> open{number};
  while (!in.empty()) {
    const auto at = in;
    uint64_t tag = 0;
    if (!TakeVarint(in, tag) || tag >> 32 != 0) return false;
    const auto inner = static_cast<uint32_t>(tag >> 3);
    switch (static_cast<Wire>(tag & 7)) {
      case Wire::kGroup:
        if (open.size() >= static_cast<size_t>(limits_.depth_max)) return false;
        open.push_back(inner);
        continue;
      case Wire::kGroupEnd:
        if (inner != open.back()) return false;
        open.pop_back();
        if (!open.empty()) continue;
        inside = start.substr(0, start.size() - at.size());
        return true;
      default: {
        Occurrence skipped{.bytes = {}, .wire = static_cast<Wire>(tag & 7)};
        if (!TakeValue(in, inner, skipped)) return false;
      }
    }
  }
  return false;
}

bool ProtobufTranscoder::NoteUnknown(uint32_t number, const Occurrence& value) {
  if (unknown_.size() == kUnknownMax) {
    return Fail(RejectCause::kTooManyColumns,
                fmt::format("has more than {} values that its schema does not know", kUnknownMax));
  }
  std::string path;
  for (const auto outer : path_) path += fmt::format("{}.", outer);
  path += std::to_string(number);
  const bool is_number = value.wire != Wire::kBytes && value.wire != Wire::kGroup;
  unknown_.emplace_back(std::move(path), is_number ? std::to_string(BitsOf(value)) : io::Base64(value.bytes));
  return true;
}

void ProtobufTranscoder::WriteUnknown(std::string& out) const {
  if (unknown_.empty()) {
    out += kNull;
    return;
  }
  // What is there more than once is told apart: 7, 7#2, 7#3.
  std::map<std::string_view, int> times;
  out += kValue;
  PutLong(out, static_cast<int64_t>(unknown_.size()));
  for (const auto& [path, text] : unknown_) {
    const int time = ++times[path];
    PutBytes(out, time == 1 ? path : fmt::format("{}#{}", path, time));
    PutBytes(out, text);
  }
  out += '\0';
}

bool ProtobufTranscoder::WriteField(const FieldPlan& field, const Slot& slot, int depth, std::string& out) {
  if (field.map) return WriteMap(field, slot, depth, out);
  if (field.repeated) return WriteList(field, slot, depth, out);
  out += kValue;
  Occurrence value = occurrences_[slot.last];
  if (slot.count == 1 || !field.is_message()) return WriteValue(field, value, depth, out);
  // The parts of a message, put together, are the message.
  std::string whole;
  for (auto at = slot.first; at != 0; at = occurrences_[at].next) whole += occurrences_[at].bytes;
  value.bytes = whole;
  return WriteValue(field, value, depth, out);
}

bool ProtobufTranscoder::WriteList(const FieldPlan& field, const Slot& slot, int depth, std::string& out) {
  const bool packable = field.wire != Wire::kBytes && field.wire != Wire::kGroup;
  if (!packable) PutLong(out, slot.count);
  for (auto at = slot.first; at != 0;) {
    const auto value = occurrences_[at];
    at = value.next;
    if (packable && value.wire == Wire::kBytes) {
      if (!WritePacked(field, value.bytes, out)) return false;
      continue;
    }
    if (value.wire != field.wire) return Damaged(value.bytes, "has a group where bytes stand");
    if (packable) PutLong(out, 1);  // a block of its own
    if (!WriteValue(field, value, depth, out)) return false;
  }
  out += '\0';
  return true;
}

bool ProtobufTranscoder::WritePacked(const FieldPlan& field, std::string_view numbers, std::string& out) {
  const size_t width = field.wire == Wire::kFixed64 ? 8 : field.wire == Wire::kFixed32 ? 4 : 0;
  const auto ends = [](char c) { return static_cast<uint8_t>(c) < 0x80; };
  if (width > 0 ? numbers.size() % width != 0 : !numbers.empty() && !ends(numbers.back())) {
    return Damaged(numbers, "ends inside a packed number");
  }
  if (numbers.empty()) return true;
  PutLong(out, static_cast<int64_t>(width > 0 ? numbers.size() / width
                                              : static_cast<size_t>(std::ranges::count_if(numbers, ends))));
  for (auto rest = numbers; !rest.empty();) {
    uint64_t bits = 0;
    if (width > 0) {
      bits = LoadFixed(rest.substr(0, width));
      rest.remove_prefix(width);
    } else if (!TakeVarint(rest, bits)) {
      return Damaged(rest, "has a packed number that is none");
    }
    WriteNumber(field, bits, out);
  }
  return true;
}

bool ProtobufTranscoder::WriteMap(const FieldPlan& field, const Slot& slot, int depth, std::string& out) {
  const FieldPlan& key_plan = field.message->fields[0];
  const FieldPlan& value_plan = field.message->fields[1];
  const size_t slots = slots_.size(), occurrences = occurrences_.size();
  std::vector<std::pair<std::string, Occurrence>> entries;
  std::unordered_map<std::string, size_t> place_of;
  for (auto at = slot.first; at != 0; at = occurrences_[at].next) {
    slots_.resize(slots);
    slots_.resize(slots + field.message->slots());
    if (!Scan(*field.message, occurrences_[at].bytes, slots)) return false;
    const Slot key = slots_[slots], value = slots_[slots + 1];
    const auto text = TextOfKey(key_plan, occurrences_[key.last]);
    const auto [place, is_new] = place_of.emplace(text, entries.size());
    if (is_new) entries.emplace_back(text, Occurrence{});
    // The last of a key counts; one without a value has place 0, an empty one.
    entries[place->second].second = occurrences_[value.last];
  }
  slots_.resize(slots);
  PutLong(out, static_cast<int64_t>(entries.size()));
  for (const auto& [key, value] : entries) {
    PutBytes(out, key);
    if (value.bytes.data() == nullptr && !value_plan.is_message()) {
      out += value_plan.fallback;
    } else if (!WriteValue(value_plan, value, depth + 1, out)) {
      return false;
    }
  }
  out += '\0';
  occurrences_.resize(occurrences);
  return true;
}

uint64_t ProtobufTranscoder::BitsOf(const Occurrence& value) {
  auto bytes = value.bytes;
  uint64_t bits = 0;
  if (value.wire != Wire::kVarint) return LoadFixed(bytes);
  TakeVarint(bytes, bits);
  return bits;
}

/// As JSON has it.
std::string ProtobufTranscoder::TextOfKey(const FieldPlan& key, const Occurrence& value) {
  if (key.form == ProtobufForm::kText) return std::string(value.bytes);
  const auto bits = BitsOf(value);
  if (key.form == ProtobufForm::kBool) return bits != 0 ? "true" : "false";
  return key.form == ProtobufForm::kUnsigned ? std::to_string(bits) : std::to_string(Integer(key.type, bits));
}

bool ProtobufTranscoder::WriteValue(const FieldPlan& field, const Occurrence& value, int depth, std::string& out) {
  switch (field.form) {
    case ProtobufForm::kText:
    case ProtobufForm::kBytes:
      PutBytes(out, value.bytes);
      return true;
    case ProtobufForm::kRecord:
      return WriteMessage(*field.message, value.bytes, depth + 1, out);
    case ProtobufForm::kTimestamp:
      return WriteTimestamp(*field.message, value.bytes, out);
    case ProtobufForm::kWrapper:
      return WriteWrapped(*field.message, value.bytes, depth, out);
    case ProtobufForm::kJson:
      return WriteJson(field, value.bytes, out);
    default:
      WriteNumber(field, BitsOf(value), out);
      return true;
  }
}

bool ProtobufTranscoder::WriteTimestamp(const MessagePlan& plan, std::string_view message, std::string& out) {
  constexpr int64_t kSecondsMin = -62'135'596'800, kSecondsMax = 253'402'300'799;  // the years 1 to 9999
  const size_t slots = slots_.size(), occurrences = occurrences_.size();
  slots_.resize(slots + plan.slots());
  if (!Scan(plan, message, slots)) return false;
  const auto seconds = static_cast<int64_t>(BitsOf(occurrences_[slots_[slots].last]));
  const auto nanos = static_cast<int32_t>(static_cast<uint32_t>(BitsOf(occurrences_[slots_[slots + 1].last])));
  slots_.resize(slots);
  occurrences_.resize(occurrences);
  if (seconds < kSecondsMin || seconds > kSecondsMax || nanos < 0 || nanos > 999'999'999) {
    return Fail(RejectCause::kMalformed,
                fmt::format("has a timestamp of {} seconds and {} nanoseconds, which is none", seconds, nanos));
  }
  PutLong(out, seconds * 1'000'000 + nanos / 1'000);
  return true;
}

bool ProtobufTranscoder::WriteWrapped(const MessagePlan& plan, std::string_view message, int depth, std::string& out) {
  const size_t slots = slots_.size(), occurrences = occurrences_.size();
  slots_.resize(slots + plan.slots());
  if (!Scan(plan, message, slots)) return false;
  const Slot slot = slots_[slots];
  const FieldPlan& field = plan.fields[0];
  if (slot.count == 0) out += field.fallback;
  if (slot.count > 0 && !WriteValue(field, occurrences_[slot.last], depth, out)) return false;
  slots_.resize(slots);
  occurrences_.resize(occurrences);
  return true;
}

bool ProtobufTranscoder::WriteJson(const FieldPlan& field, std::string_view message, std::string& out) {
  const auto write = [&](pb::Message&& parsed) {
    std::string json;
    const bool done = parsed.ParseFromArray(message.data(), static_cast<int>(message.size())) &&
                      pb::util::MessageToJsonString(parsed, &json).ok();
    // Members in order: Protobuf's own order is another one each time.
    if (done) PutBytes(out, nlohmann::json::parse(json).dump());
    return done || Damaged(message, "has a JSON value that is none");
  };
  if (field.json_type == pb::Struct::descriptor()->full_name()) return write(pb::Struct());
  if (field.json_type == pb::ListValue::descriptor()->full_name()) return write(pb::ListValue());
  return write(pb::Value());
}

void ProtobufTranscoder::WriteNumber(const FieldPlan& field, uint64_t bits, std::string& out) {
  switch (field.form) {
    case ProtobufForm::kBool:
      out += bits != 0 ? '\1' : '\0';
      return;
    case ProtobufForm::kFloat:
      out.append(reinterpret_cast<const char*>(&bits), 4);
      return;
    case ProtobufForm::kDouble:
      out.append(reinterpret_cast<const char*>(&bits), 8);
      return;
    case ProtobufForm::kUnsigned:
      PutUnsigned(out, bits);
      return;
    case ProtobufForm::kEnum: {
      const auto number = static_cast<int32_t>(Integer(field.type, bits));
      const auto* const symbol = field.symbols->FindValueByNumber(number);
      PutBytes(out, symbol != nullptr ? symbol->name() : std::to_string(number));
      return;
    }
    default:
      PutLong(out, Integer(field.type, bits));
  }
}

bool ProtobufTranscoder::Damaged(std::string_view at, const char* what) {
  const auto* const begin = message_.data();
  const bool inside = at.data() >= begin && at.data() <= begin + message_.size();
  return Fail(RejectCause::kMalformed,
              inside ? fmt::format("byte {}: {}", at.data() - begin, what) : std::string(what));
}

bool ProtobufTranscoder::Fail(RejectCause cause, std::string detail) {
  reject_ = {.record = 0, .cause = cause, .detail = std::move(detail)};
  return false;
}

}  // namespace millrace::decode
