#include "decode/avro/avro_reader.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "decode/avro/avro_json.h"
#include "decode/contract_cause.h"
#include "decode/json_number.h"
#include "decode/map_keys.h"
#include "decode/parsed_text.h"
#include "decode/structural_index.h"

namespace millrace::decode {

using event::RejectCause;
using schema::AvroType;

namespace {

constexpr int64_t kTextBytesMax = std::numeric_limits<int32_t>::max();

/// Most texts are ASCII, which costs less to see than to prove anything else.
bool IsText(std::string_view text) {
  uint64_t any = 0;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    any |= word;
  }
  for (; at < text.size(); ++at) any |= static_cast<uint8_t>(text[at]);
  return (any & 0x8080808080808080) == 0 || IsUtf8(text);
}

template <typename T>
bool Exact(int64_t value, T& number) {
  number = static_cast<T>(value);
  // The largest one rounds up to 2^63, which is no long any more.
  return number < static_cast<T>(9223372036854775807.0) && static_cast<int64_t>(number) == value;
}

bool FitsDigits(__int128_t value, int32_t precision) {
  __int128_t bound = 1;
  for (int32_t i = 0; i < precision; ++i) bound *= 10;
  return value > -bound && value < bound;
}

}  // namespace

bool AvroReader::Read(const AvroPlan& plan, std::string_view bytes) {
  begin_ = bytes.data();
  cursor_ = AvroCursor(bytes.data(), bytes.data() + bytes.size());
  Status status = ReadRecord(plan.root);
  if (status == Status::kOk && !cursor_.AtEnd()) status = Damaged("goes on behind its last field");
  if (status == Status::kOk && rescued_row_.bytes() > 4 * bytes.size() + (size_t{1} << 20)) {
    status = Fail(RejectCause::kTooManyColumns, "has more to rescue than a row may hold");
  }
  if (status == Status::kOk) {
    rescued_values += rescued_row_.count();
    rescued_row_.Flush(rescued_);
    return true;
  }
  root_.TruncateTo(rescued_.length);
  rescued_row_.Clear();
  return false;
}

AvroReader::Status AvroReader::ReadRecord(const AvroNode& node) {
  for (const auto& part : node.parts) {
    const Status status = ReadField(part, *node.column);
    if (status != Status::kOk) return status;
  }
  return CloseRecord(node);
}

AvroReader::Status AvroReader::CloseRecord(const AvroNode& node) {
  for (Column* column : node.missing) {
    if (!column->required) continue;
    const Status status = Unrequire(*column);
    if (status != Status::kOk) return status;
  }
  node.column->CloseRow();
  return Status::kOk;
}

AvroReader::Status AvroReader::ReadField(const AvroNode& node, Column& object) {
  if (node.step == AvroStep::kRescue || node.step == AvroStep::kRefuse) [[unlikely]] {
    return RescueHomeless(node);
  }
  node.column->PadTo(object.length);
  const char* const start = cursor_.at();
  const Status status = ReadValue(node);
  if (status != Status::kMisfit) [[likely]] {
    return status;
  }
  cursor_.MoveTo(start);
  if (Rejects(options_.contract.types)) {
    return Fail(CauseOf(options_.contract.types),
                fmt::format("has a value at {} that does not fit its type; set `types: "
                            "discard_value` to take such records",
                            Shortened(PathOf(*node.column))));
  }
  const Status rescued = Rescue(*node.type, PathOf(*node.column));
  return rescued == Status::kOk ? AppendNull(*node.column) : rescued;
}

AvroReader::Status AvroReader::ReadValue(const AvroNode& node) {
  switch (node.step) {
    case AvroStep::kNothing:
      return AppendNull(*node.column);
    case AvroStep::kRescue:
    case AvroStep::kRefuse:
    case AvroStep::kMisfit:
      return Status::kMisfit;
    case AvroStep::kConstant:
      return ReadConstant(node);
    case AvroStep::kJson:
      return ReadJson(node);
    case AvroStep::kText: {
      std::string_view text;
      if (!cursor_.Bytes(text)) return Damaged("ends inside a text");
      if (!IsText(text)) return Fail(RejectCause::kInvalidUtf8, "has a text that is not UTF-8");
      return AppendText(text, *node.column);
    }
    case AvroStep::kParsedText:
      return ReadParsedText(node);
    case AvroStep::kBytes:
    case AvroStep::kBytesAsText:
    case AvroStep::kFixed:
      return ReadBytes(node);
    case AvroStep::kSymbol:
      return ReadSymbol(node);
    case AvroStep::kDecimal:
      return ReadDecimal(node);
    case AvroStep::kRecord:
      return ReadRecord(node);
    case AvroStep::kList:
      return ReadList(node);
    case AvroStep::kMap:
      return ReadMap(node);
    case AvroStep::kOptional:
      return ReadOptional(node);
    case AvroStep::kChoice:
      return ReadChoice(node);
    default:
      return ReadNumber(node);
  }
}

AvroReader::Status AvroReader::ReadNumber(const AvroNode& node) {
  Column& column = *node.column;
  int64_t integer = 0;
  switch (node.step) {
    case AvroStep::kBool: {
      uint8_t value = 0;
      if (!cursor_.Fixed(value) || value > 1) return Damaged("has a boolean that is neither true nor false");
      column.AppendFixed(value);
      return Status::kOk;
    }
    case AvroStep::kFloat:
    case AvroStep::kFloatAsDouble: {
      float value = 0;
      if (!cursor_.Fixed(value)) return Damaged("ends inside a float");
      if (node.step == AvroStep::kFloat) column.AppendFixed(value);
      if (node.step != AvroStep::kFloat) column.AppendFixed(static_cast<double>(value));
      return Status::kOk;
    }
    case AvroStep::kDouble:
    case AvroStep::kDoubleAsFloat: {
      double value = 0;
      if (!cursor_.Fixed(value)) return Damaged("ends inside a double");
      if (node.step == AvroStep::kDouble) {
        column.AppendFixed(value);
        return Status::kOk;
      }
      const auto narrow = static_cast<float>(value);
      if (static_cast<double>(narrow) != value && !std::isnan(value)) return Status::kMisfit;
      column.AppendFixed(narrow);
      return Status::kOk;
    }
    default:
      break;
  }
  if (!cursor_.Long(integer)) return Damaged("ends inside a number");
  const bool is_int = node.type->kind == AvroType::Kind::kInt;
  if (is_int && integer != static_cast<int32_t>(integer)) return Damaged("has an int that is none");
  switch (node.step) {
    case AvroStep::kLongAsInt:
      if (integer != static_cast<int32_t>(integer)) return Status::kMisfit;
      [[fallthrough]];
    case AvroStep::kInt:
      column.AppendFixed(static_cast<int32_t>(integer));
      return Status::kOk;
    case AvroStep::kIntegerAsFloat: {
      float value = 0;
      if (!Exact(integer, value)) return Status::kMisfit;
      column.AppendFixed(value);
      return Status::kOk;
    }
    case AvroStep::kIntegerAsDouble: {
      double value = 0;
      if (!Exact(integer, value)) return Status::kMisfit;
      column.AppendFixed(value);
      return Status::kOk;
    }
    case AvroStep::kScaled:
      if (__builtin_mul_overflow(integer, node.factor, &integer)) return Status::kMisfit;
      break;
    case AvroStep::kNanos:
      integer = integer / 1000 - (integer % 1000 < 0 ? 1 : 0);
      break;
    default:
      break;
  }
  column.AppendFixed(integer);
  return Status::kOk;
}

AvroReader::Status AvroReader::ReadBytes(const AvroNode& node) {
  std::string_view bytes;
  const bool whole = node.step == AvroStep::kFixed ? cursor_.Take(node.type->size, bytes) : cursor_.Bytes(bytes);
  if (!whole) return Damaged("ends inside bytes");
  if (node.step == AvroStep::kBytesAsText && !IsText(bytes)) return Status::kMisfit;
  if (node.column->is_text()) return AppendText(bytes, *node.column);
  node.column->values.Append(bytes.data(), static_cast<int64_t>(bytes.size()));
  node.column->CloseRow();
  return Status::kOk;
}

AvroReader::Status AvroReader::ReadSymbol(const AvroNode& node) {
  int64_t symbol = 0;
  if (!cursor_.Long(symbol)) return Damaged("ends inside an enum");
  const auto& symbols = node.type->symbols;
  if (symbol < 0 || symbol >= static_cast<int64_t>(symbols.size())) return Damaged("has a value that its enum lacks");
  return AppendText(symbols[static_cast<size_t>(symbol)], *node.column);
}

AvroReader::Status AvroReader::ReadDecimal(const AvroNode& node) {
  std::string_view bytes;
  const bool fixed = node.type->kind == AvroType::Kind::kFixed;
  if (!(fixed ? cursor_.Take(node.type->size, bytes) : cursor_.Bytes(bytes))) return Damaged("ends inside a decimal");
  // Leading bytes that only repeat the sign say nothing.
  while (bytes.size() > 1 && (bytes[0] == '\0' || bytes[0] == '\xff') && ((bytes[0] ^ bytes[1]) & 0x80) == 0) {
    bytes.remove_prefix(1);
  }
  __int128_t value = 0;
  if (!ReadUnscaled(bytes, value)) return bytes.empty() ? Damaged("has a decimal without digits") : Status::kMisfit;
  for (int32_t i = 0; i < node.digits; ++i) {
    if (__builtin_mul_overflow(value, __int128_t{10}, &value)) return Status::kMisfit;
  }
  if (!FitsDigits(value, node.column->precision)) return Status::kMisfit;
  node.column->AppendFixed(value);
  return Status::kOk;
}

AvroReader::Status AvroReader::ReadParsedText(const AvroNode& node) {
  std::string_view text;
  if (!cursor_.Bytes(text)) return Damaged("ends inside a text");
  Column& column = *node.column;
  if (column.kind == ColumnKind::kTimestamptz) {
    int64_t micros = 0;
    if (!timestamps_.Parse(text, micros)) return Status::kMisfit;
    column.AppendFixed(micros);
    return Status::kOk;
  }
  if (column.kind == ColumnKind::kDecimal) {
    const auto value = ExactDecimal(text, column.precision, column.scale);
    if (!value) return Status::kMisfit;
    column.AppendFixed(*value);
    return Status::kOk;
  }
  return AppendParsedText(text, column) ? Status::kOk : Status::kMisfit;
}

AvroReader::Status AvroReader::ReadList(const AvroNode& node) {
  Column& list = *node.column;
  Column& element = *list.children[0];
  const int32_t open = list.OpenOffset();
  const auto mark = rescued_row_.Here();
  element.PadTo(open);
  for (int64_t left = 0;;) {
    if (!cursor_.Block(left)) return Damaged("ends inside a list");
    if (left == 0) break;
    for (; left > 0; --left) {
      if (!cursor_.Step()) return Damaged("holds more empty values than its size explains");
      const Status status = ReadValue(node.parts[0]);
      if (status == Status::kMisfit) {
        element.TruncateTo(open);
        rescued_row_.Rewind(mark);
      }
      if (status != Status::kOk) return status;
    }
  }
  list.CloseList();
  return Status::kOk;
}

AvroReader::Status AvroReader::ReadMap(const AvroNode& node) {
  Column& map = *node.column;
  Column& keys = *map.children[0];
  const int32_t open = map.OpenOffset();
  for (int64_t left = 0;;) {
    if (!cursor_.Block(left)) return Damaged("ends inside a map");
    if (left == 0) break;
    for (; left > 0; --left) {
      const Status status = ReadEntry(node);
      if (status != Status::kOk) return status;
    }
  }
  if (keys.length - open > 1 && HasDuplicateKeys(keys, open)) {
    return Fail(RejectCause::kDuplicateKey, fmt::format("names a key of the map {} twice", Shortened(PathOf(map))));
  }
  map.CloseList();
  return Status::kOk;
}

AvroReader::Status AvroReader::ReadEntry(const AvroNode& node) {
  Column& keys = *node.column->children[0];
  Column& values = *node.column->children[1];
  std::string_view key;
  if (!cursor_.Bytes(key)) return Damaged("ends inside a map");
  if (!IsText(key)) return Fail(RejectCause::kInvalidUtf8, "has a text that is not UTF-8");
  values.PadTo(keys.length);
  const Status status = AppendText(key, keys);
  if (status != Status::kOk) return status;
  const char* const start = cursor_.at();
  const Status read = ReadValue(node.parts[0]);
  if (read != Status::kMisfit) return read;
  cursor_.MoveTo(start);
  const Status rescued = Rescue(*node.type->items, PathOf(values));
  return rescued == Status::kOk ? AppendNull(values) : rescued;
}

AvroReader::Status AvroReader::ReadOptional(const AvroNode& node) {
  int64_t branch = 0;
  if (!cursor_.Long(branch) || branch < 0 || branch >= static_cast<int64_t>(node.type->branches.size())) {
    return Damaged("names a branch that its union lacks");
  }
  return branch == node.null_branch ? AppendNull(*node.column) : ReadValue(node.parts[0]);
}

AvroReader::Status AvroReader::ReadChoice(const AvroNode& node) {
  int64_t branch = 0;
  if (!cursor_.Long(branch) || branch < 0 || branch >= static_cast<int64_t>(node.parts.size())) {
    return Damaged("names a branch that its union lacks");
  }
  const auto& part = node.parts[static_cast<size_t>(branch)];
  if (part.step == AvroStep::kNothing) return AppendNull(*node.column);
  if (node.column->kind != ColumnKind::kStruct) return ReadValue(part);
  const Status status = ReadField(part, *node.column);
  if (status == Status::kOk) node.column->CloseRow();
  return status;
}

AvroReader::Status AvroReader::ReadConstant(const AvroNode& node) {
  const AvroCursor record = cursor_;
  cursor_ = AvroCursor(node.constant.data(), node.constant.data() + node.constant.size());
  const Status status = ReadValue(node.parts[0]);
  cursor_ = record;
  return status == Status::kMisfit ? AppendNull(*node.column) : status;
}

AvroReader::Status AvroReader::ReadJson(const AvroNode& node) {
  scratch_.clear();
  const Status status = ReadAsJson(*node.type, scratch_);
  if (status != Status::kOk) return status;
  return scratch_ == "null" ? AppendNull(*node.column) : AppendText(scratch_, *node.column);
}

AvroReader::Status AvroReader::AppendText(std::string_view text, Column& column) {
  if (static_cast<int64_t>(text.size()) > kTextBytesMax - column.text.size()) {
    return Fail(RejectCause::kTooLarge,
                "has more text than a batch of rows can hold; lower the read size of its source");
  }
  column.text.Append(text.data(), static_cast<int64_t>(text.size()));
  column.CloseText();
  return Status::kOk;
}

AvroReader::Status AvroReader::AppendNull(Column& column) {
  if (column.required) [[unlikely]] {
    const Status status = Unrequire(column);
    if (status != Status::kOk) return status;
  }
  column.AppendNull();
  return Status::kOk;
}

AvroReader::Status AvroReader::Unrequire(Column& column) {
  if (!TypesEvolve()) {
    return Fail(CauseOf(options_.contract.types),
                fmt::format("has no value for the required column {}; set `types: evolve` to "
                            "make it optional",
                            Shortened(PathOf(column))));
  }
  column.required = false;
  schema_changed = true;
  return Status::kOk;
}

AvroReader::Status AvroReader::ReadAsJson(const AvroType& type, std::string& out) {
  switch (AppendAvroAsJson(type, cursor_, options_.depth_max, out)) {
    case AvroText::kOk:
      return Status::kOk;
    case AvroText::kDamaged:
      return Damaged("does not follow its schema");
    case AvroText::kInvalidUtf8:
      return Fail(RejectCause::kInvalidUtf8, "has a text that is not UTF-8");
    case AvroText::kTooDeep:
      return Fail(RejectCause::kTooDeep, fmt::format("is nested deeper than {} levels", options_.depth_max));
  }
  return Damaged("does not follow its schema");
}

AvroReader::Status AvroReader::Rescue(const AvroType& type, std::string path) {
  scratch_.clear();
  const Status status = ReadAsJson(type, scratch_);
  if (status != Status::kOk || scratch_ == "null") return status;
  if (rescued_row_.Add(path, scratch_)) return Status::kOk;
  return Fail(RejectCause::kDuplicateKey, fmt::format("names {} twice", Shortened(path)));
}

AvroReader::Status AvroReader::RescueHomeless(const AvroNode& node) {
  const auto before = rescued_row_.count();
  const Status status = Rescue(*node.type, PathOf(*node.object, node.name));
  if (status != Status::kOk || rescued_row_.count() == before || node.reserved) return status;
  if (node.step == AvroStep::kRefuse) {
    return Fail(CauseOf(options_.contract.columns),
                fmt::format("has the field {}, which the contract keeps out; set `columns: "
                            "evolve` or `discard_value` to take such records",
                            Shortened(PathOf(*node.object, node.name))));
  }
  ++unknown_columns[SchemaPathOf(*node.object, node.name)];
  return Status::kOk;
}

AvroReader::Status AvroReader::Damaged(const char* what) {
  return Fail(RejectCause::kMalformed, fmt::format("byte {}: {}", cursor_.at() - begin_, what));
}

AvroReader::Status AvroReader::Fail(RejectCause cause, std::string detail) {
  reject_ = {.record = 0, .cause = cause, .detail = std::move(detail)};
  return Status::kReject;
}

}  // namespace millrace::decode
