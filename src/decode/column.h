#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "decode/flat_buffer.h"
#include "decode/key_index.h"
#include "decode/key_pattern.h"

namespace millrace::decode {

enum class ColumnKind : uint8_t {
  kUndecided,  // a name whose values were all null so far: no column yet
  kBool,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kString,
  kTimestamp,
  kTimestamptz,
  kDate,
  kTime,
  kDecimal,
  kUuid,
  kFixed,
  kBinary,
  kJson,  // any value, as its own JSON text
  kStruct,
  kList,
  kMap,
};

/// A node of the column tree: what one name holds, and the buffers that fill up during a batch. Every node counts its
/// own rows; one that lags behind its parent is padded with nulls when it is touched next or at the end, so that absent
/// members cost nothing. Plain data with the moves that keep it consistent; the reader decides what goes where.
///
/// Buffers by kind: fixed width in `values` (bool one byte a row until it is packed at the end); texts as Arrow's int32
/// offsets in `values` and bytes in `text`; lists and maps as offsets in `values` over children (list: element; map:
/// key, value). Children of a struct are its members in order.
struct Column {
  Column(std::string column_name, ColumnKind column_kind, Column* column_parent);
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;

  std::string name;
  Column* parent;
  ColumnKind kind;
  bool required = false;
  bool has_required = false;    // struct: some member is
  KeyPattern pattern;           // of the name
  Column* successor = nullptr;  // the sibling that followed last time
  Column* first = nullptr;      // struct: the member that came first last time
  int32_t precision = 0;        // decimal
  int32_t scale = 0;            // decimal
  int32_t width = 0;            // bytes a value of fixed width; 0: none
  std::shared_ptr<const arrow::KeyValueMetadata> metadata;

  int64_t length = 0;
  FlatBuffer values;
  FlatBuffer text;
  std::vector<std::unique_ptr<Column>> children;
  KeyIndex members;  // struct: children by name
  KeyIndex folded;   // struct: children by lower-case name
  std::vector<std::unique_ptr<std::string>> folded_names;

  /// Adds a member to a struct, or the next part of a list or map.
  Column& AddChild(std::string child_name, ColumnKind child_kind);
  Column* FindChild(std::string_view child_name) const {
    const uint32_t at = members.Find(child_name);
    return at == KeyIndex::kAbsent ? nullptr : children[at].get();
  }
  /// Some member has this name when case is ignored.
  bool HasFolded(std::string_view child_name) const;

  /// Gives an undecided name its type; rows so far are null.
  void Decide(ColumnKind decided);
  /// int to long, float to double, values in place.
  void Widen();

  /// How much a batch brings: `times` as many records as the last one, made of so many bytes at most.
  struct Coming {
    double times = 1;
    int64_t bytes = int64_t{1} << 40;
  };
  /// Empties the buffers of the whole tree for a new batch.
  void Begin(const Coming& coming);
  void Begin() { Begin(Coming()); }
  /// The next batch is expected to bring of each name about what came in `other`.
  void ExpectAs(const Column& other);
  void PadTo(int64_t rows) {
    if (length < rows) Pad(rows - length);
  }
  void AppendNull() { Pad(1); }
  /// Forgets rows from `rows` on, in the whole subtree, the unfinished one included.
  void TruncateTo(int64_t rows);

  /// Where the open row of a list or map began among its children.
  int32_t OpenOffset() const { return values.At<int32_t>(length); }

  template <typename T>
  void AppendFixed(T value) {
    values.Append(value);
    CloseRow();
  }
  /// The row whose bytes were appended to `text` is complete.
  void CloseText() {
    values.Append(static_cast<int32_t>(text.size()));
    CloseRow();
  }
  void CloseList() {
    values.Append(static_cast<int32_t>(children[0]->length));
    CloseRow();
  }
  void CloseRow() {
    if (has_nulls) [[unlikely]] {
      MarkValid();
    }
    ++length;
  }

  bool is_text() const {
    return kind == ColumnKind::kString || kind == ColumnKind::kBinary || kind == ColumnKind::kJson;
  }
  bool has_offsets() const { return is_text() || kind == ColumnKind::kList || kind == ColumnKind::kMap; }
  /// Some value can come out of it: not undecided, nor made of undecided parts only.
  bool Emitted() const;

  /// One bit a row once the first null came; meaningless before.
  FlatBuffer validity;
  bool has_nulls = false;

 private:
  void Pad(int64_t rows);
  void MarkValid();
  void MarkNull(int64_t rows);
};

/// Bytes a value takes in `values`; 0 for kinds with offsets and those without values.
int32_t WidthOf(ColumnKind kind);

/// ASCII letters to lower case: how engines that ignore case see a name.
std::string FoldName(std::string_view name);

}  // namespace millrace::decode
