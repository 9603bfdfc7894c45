#include "decode/column.h"

#include <algorithm>
#include <utility>

namespace millrace::decode {

int32_t WidthOf(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::kBool:
      return 1;
    case ColumnKind::kInt:
    case ColumnKind::kFloat:
    case ColumnKind::kDate:
      return 4;
    case ColumnKind::kLong:
    case ColumnKind::kDouble:
    case ColumnKind::kTimestamp:
    case ColumnKind::kTimestamptz:
    case ColumnKind::kTime:
      return 8;
    case ColumnKind::kDecimal:
    case ColumnKind::kUuid:
      return 16;
    case ColumnKind::kFixed:  // set by whoever knows the length
    case ColumnKind::kString:
    case ColumnKind::kBinary:
    case ColumnKind::kJson:
    case ColumnKind::kUndecided:
    case ColumnKind::kStruct:
    case ColumnKind::kList:
    case ColumnKind::kMap:
      return 0;
  }
  return 0;
}

std::string FoldName(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

Column::Column(std::string column_name, ColumnKind column_kind, Column* column_parent)
    : name(std::move(column_name)),
      parent(column_parent),
      kind(column_kind),
      pattern(name),
      width(WidthOf(column_kind)) {
  Begin();
}

Column& Column::AddChild(std::string child_name, ColumnKind child_kind) {
  auto& child = *children.emplace_back(std::make_unique<Column>(std::move(child_name), child_kind, this));
  if (kind != ColumnKind::kStruct) return child;
  const auto position = static_cast<uint32_t>(children.size() - 1);
  members.Insert(child.name, position);
  auto& fold = *folded_names.emplace_back(std::make_unique<std::string>(FoldName(child.name)));
  if (folded.Find(fold) == KeyIndex::kAbsent) folded.Insert(fold, position);
  // Until the data shows another order, members come as declared.
  if (position == 0) {
    first = &child;
  } else if (children[position - 1]->successor == nullptr) {
    children[position - 1]->successor = &child;
  }
  return child;
}

bool Column::HasFolded(std::string_view child_name) const {
  return folded.Find(FoldName(child_name)) != KeyIndex::kAbsent;
}

void Column::Decide(ColumnKind decided) {
  kind = decided;
  width = WidthOf(decided);
  Begin();
}

void Column::Widen() {
  FlatBuffer wide;
  wide.Reserve(length * 8 + 1024);
  for (int64_t row = 0; row < length; ++row) {
    if (kind == ColumnKind::kInt) {
      wide.UnsafeAppend(int64_t{values.At<int32_t>(row)});
    } else {
      wide.UnsafeAppend(double{values.At<float>(row)});
    }
  }
  kind = kind == ColumnKind::kInt ? ColumnKind::kLong : ColumnKind::kDouble;
  width = 8;
  std::swap(values, wide);
}

namespace {

/// A value of eight bytes has at least two of JSON, itself and a comma.
constexpr int64_t kValueToJson = 4;

}  // namespace

void Column::Begin(const Coming& coming) {
  length = 0;
  has_nulls = false;
  values.SetSize(0);
  text.SetSize(0);
  validity.SetSize(0);
  values.ReserveAsBefore(coming.times, kValueToJson * coming.bytes);
  text.ReserveAsBefore(coming.times, coming.bytes);
  if (has_offsets()) values.Append(int32_t{0});
  for (auto& child : children) child->Begin(coming);
}

void Column::ExpectAs(const Column& other) {
  values.ExpectAs(other.values);
  text.ExpectAs(other.text);
  for (size_t i = 0; i < children.size(); ++i) {
    const auto* part = i < other.children.size() ? other.children[i].get() : nullptr;
    const auto* same = kind == ColumnKind::kStruct ? other.FindChild(children[i]->name) : part;
    if (same != nullptr) children[i]->ExpectAs(*same);
  }
}

void Column::TruncateTo(int64_t rows) {
  rows = std::min(rows, length);
  length = rows;
  if (has_offsets()) {
    values.SetSize((rows + 1) * 4);
    const auto end = values.At<int32_t>(rows);
    if (is_text()) {
      text.SetSize(end);
    } else {
      for (auto& child : children) child->TruncateTo(end);
    }
    return;
  }
  values.SetSize(rows * width);
  for (auto& child : children) child->TruncateTo(rows);
}

bool Column::Emitted() const {
  switch (kind) {
    case ColumnKind::kUndecided:
      return false;
    case ColumnKind::kStruct:
      return std::any_of(children.begin(), children.end(), [](const auto& child) { return child->Emitted(); });
    case ColumnKind::kList:
    case ColumnKind::kMap:
      return std::all_of(children.begin(), children.end(), [](const auto& child) { return child->Emitted(); });
    default:
      return true;
  }
}

void Column::Pad(int64_t rows) {
  MarkNull(rows);
  if (has_offsets()) {
    const auto end = values.At<int32_t>(length);
    values.Reserve(rows * 4);
    std::fill_n(reinterpret_cast<int32_t*>(values.end()), rows, end);
    values.SetSize(values.size() + rows * 4);
  } else if (width > 0) {
    values.AppendZeros(rows * width);
  }
  length += rows;
}

namespace {

void SetBit(uint8_t* bits, int64_t at, bool value) {
  const auto mask = static_cast<uint8_t>(1u << (at & 7));
  bits[at >> 3] = static_cast<uint8_t>(value ? bits[at >> 3] | mask : bits[at >> 3] & ~mask);
}

/// Makes room for `rows` bits.
void EnsureBits(FlatBuffer& bits, int64_t rows) {
  const int64_t bytes = (rows + 7) / 8;
  if (bits.size() < bytes) bits.AppendZeros(bytes - bits.size());
}

}  // namespace

void Column::MarkValid() {
  EnsureBits(validity, length + 1);
  SetBit(validity.data(), length, true);
}

void Column::MarkNull(int64_t rows) {
  if (!has_nulls) {
    has_nulls = true;
    EnsureBits(validity, length);
    if (length > 0) std::memset(validity.data(), 0xff, static_cast<size_t>((length + 7) / 8));
  }
  EnsureBits(validity, length + rows);
  // Bits of rows to come may be cleared with them: each is written when its row is.
  const int64_t end = length + rows;
  int64_t row = length;
  for (; row < end && (row & 7) != 0; ++row) SetBit(validity.data(), row, false);
  if (row < end) std::memset(validity.data() + row / 8, 0, static_cast<size_t>((end - row + 7) / 8));
}

}  // namespace millrace::decode
