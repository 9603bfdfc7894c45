#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/decoder.h"

namespace millrace::decode {

/// How records say what they do to the row of their key.
struct ChangeForm {
  enum class Envelope { kNone, kDebezium };
  /// kNone: a record is the row. kDebezium: {"before", "after", "op", "source", "ts_ms"}, in {"schema", "payload"} or
  /// not.
  Envelope envelope = Envelope::kNone;
  /// The columns of the key, dotted for members of members.
  std::vector<std::string> key = {};
  /// Without an envelope: the member that says what a record does; empty: every record with a value is a row.
  std::string operation = {};
  /// Of that member, the values that delete, whatever the case of their letters. Others are rows.
  std::vector<std::string> delete_values = {"d", "delete"};
  /// Of an envelope, members that become columns of the row, named as Debezium's flattening does: "source.lsn" is
  /// `__source_lsn`.
  std::vector<std::string> add_fields = {};
  /// The column that orders changes: deletes carry it too. May be empty.
  std::string order_by = {};
  int depth_max = 64;
};

/// The column that a member of an envelope becomes.
std::string AddedColumn(std::string_view path);

/// What one record does.
struct ChangeEvent {
  /// The row, as JSON: a part of the record, to which `added` members belong in front. nullopt: it is no row.
  std::optional<std::string_view> row;
  std::string added;  // "\"__op\":\"u\"," or empty
  /// The key of a row to delete and what orders it, as JSON with the dotted paths as names; empty: nothing to delete.
  std::string deletes;
  std::optional<event::Reject> reject;  // record number left out
};

/// Whether an operation is one of the words, whatever the case of their letters.
bool IsDelete(std::string_view operation, const std::vector<std::string>& delete_values);

/// Why an envelope whose `op` is neither c, r, u nor d is no change of a row.
std::string_view WhyNotApplied(std::string_view operation);

/// Understands records one by one.
class ChangeReader {
 public:
  explicit ChangeReader(ChangeForm form) : form_(std::move(form)) {}

  /// `text` is not blank. `key`: the record's own key, which deletes by Debezium may need.
  ChangeEvent Read(std::string_view text, std::string_view key) const;

  /// A record without a value: its key says which row goes, as a JSON object with the key's columns, or, of one column,
  /// as its value. `text_column`: that column holds text, so that digits are text as well.
  ChangeEvent ReadTombstone(std::string_view key, bool text_column) const;

 private:
  struct Envelope;

  ChangeEvent ReadPlain(std::string_view text) const;
  ChangeEvent ReadEnvelope(const Envelope& envelope, std::string_view key) const;
  ChangeEvent ReadDelete(const Envelope& envelope, std::string_view key) const;
  bool KeyChanged(std::string_view before, std::string_view after) const;
  std::string Added(const Envelope& envelope) const;
  /// The document that deletes the row whose key lies in `from`; empty when a column of the key does not.
  std::string DeleteOf(std::string_view from, const Envelope* envelope) const;

  const ChangeForm form_;
};

}  // namespace millrace::decode
