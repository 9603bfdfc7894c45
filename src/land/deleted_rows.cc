#include "land/deleted_rows.h"

#include <arrow/api.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "land/key_hash.h"
#include "land/read_columns.h"
#include "table/deletion_vector.h"

namespace millrace::land {
namespace {

using table::DataFile;
using table::DatedFile;
using table::SequenceNumber;

schema::Schema PositionDeleteColumns() {
  schema::Schema columns;
  columns.fields = {{.id = table::kDeletedPathField, .name = "file_path", .type = schema::ParseType("string")},
                    {.id = table::kDeletedPositionField, .name = "pos", .type = schema::ParseType("long")}};
  return columns;
}

void RequireParquet(const DataFile& file) {
  const bool parquet = std::ranges::equal(file.file_format, std::string_view("PARQUET"), [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) == b;
  });
  if (parquet) return;
  throw Error(ErrorCode::kData, "delete file " + file.file_path + " is a " + file.file_format +
                                    " file; only Parquet is read here: rewrite the table's data files with the engine "
                                    "that wrote it");
}

/// The newest schema that has these columns: one that deletes compare may have been dropped since.
const schema::Schema& SchemaWith(const table::TableMetadata& metadata, const std::vector<schema::FieldId>& ids) {
  const auto has = [&](const schema::Schema& schema) {
    return std::ranges::all_of(ids, [&](schema::FieldId id) { return schema.Find(id) != nullptr; });
  };
  if (has(metadata.schema())) return metadata.schema();
  for (auto older = metadata.schemas.rbegin(); older != metadata.schemas.rend(); ++older) {
    if (has(*older)) return *older;
  }
  throw Error(ErrorCode::kData, "rows are deleted by columns that no schema of the table has");
}

/// Equality deletes that compare the same columns: for each key the newest sequence number that deletes it.
class EqualityDeletes {
 public:
  EqualityDeletes(io::ObjectStore& store, const table::TableMetadata& metadata, std::vector<schema::FieldId> ids)
      : store_(store), schema_(SchemaWith(metadata, ids)), ids_(std::move(ids)) {}

  void Load(const DatedFile& deletes) {
    ReadColumns(store_, deletes.file.file_path, schema_, ids_, [&](const arrow::ArrayVector& columns) {
      for (const auto& key : HashValues(columns)) {
        auto& newest = newest_[key];
        newest = std::max(newest, deletes.sequence);
      }
    });
  }

  template <typename Visit>
  void ForEachDeleted(const DatedFile& data, Visit&& visit) const {
    int64_t position = 0;
    ReadColumns(store_, data.file.file_path, schema_, ids_, [&](const arrow::ArrayVector& columns) {
      for (const auto& key : HashValues(columns)) {
        const auto found = newest_.find(key);
        if (found != newest_.end() && found->second > data.sequence) visit(position);
        ++position;
      }
    });
  }

 private:
  io::ObjectStore& store_;
  const schema::Schema& schema_;
  const std::vector<schema::FieldId> ids_;
  std::unordered_map<KeyHash, SequenceNumber, HashOfKey> newest_;
};

}  // namespace

void ForEachDeletedPosition(io::ObjectStore& store, const DataFile& deletes,
                            const std::function<void(std::string_view path, int64_t position)>& visit) {
  if (table::IsDeletionVector(deletes)) {
    if (!deletes.referenced_data_file) {
      throw Error(ErrorCode::kData, "deletion vector in " + deletes.file_path + " names no data file");
    }
    for (const int64_t position : table::ReadDeletionVector(store, deletes)) {
      visit(*deletes.referenced_data_file, position);
    }
    return;
  }
  static const schema::Schema kColumns = PositionDeleteColumns();
  RequireParquet(deletes);
  ReadColumns(store, deletes.file_path, kColumns, {table::kDeletedPathField, table::kDeletedPositionField},
              [&](const arrow::ArrayVector& columns) {
                if (columns[0]->type_id() != arrow::Type::STRING || columns[1]->type_id() != arrow::Type::INT64 ||
                    columns[0]->null_count() + columns[1]->null_count() > 0) {
                  throw Error(ErrorCode::kData, "it is no position delete file");
                }
                const auto& paths = static_cast<const arrow::StringArray&>(*columns[0]);
                const auto& positions = static_cast<const arrow::Int64Array&>(*columns[1]);
                for (int64_t row = 0; row < paths.length(); ++row) visit(paths.GetView(row), positions.Value(row));
              });
}

DeletedRows::DeletedRows(io::ObjectStore& store, const table::TableMetadata& metadata,
                         const table::DeleteFiles& deletes, const std::vector<DatedFile>& files) {
  std::set<const DatedFile*> applying;
  std::set<std::string_view> by_value;  // data files that equality deletes reach
  for (const auto& data : files) {
    for (const auto* one : deletes.For(data.file, data.sequence)) {
      applying.insert(one);
      if (one->file.content == table::FileContent::kEqualityDeletes) by_value.insert(data.file.file_path);
    }
  }
  std::set<std::string, std::less<>> paths;
  for (const auto& data : files) paths.insert(data.file.file_path);
  std::map<std::vector<schema::FieldId>, EqualityDeletes> equalities;
  for (const auto* one : applying) {
    if (one->file.content == table::FileContent::kPositionDeletes) {
      ForEachDeletedPosition(store, one->file, [&](std::string_view path, int64_t position) {
        if (const auto known = paths.find(path); known != paths.end()) Add(*known, position);
      });
      continue;
    }
    RequireParquet(one->file);
    const auto& ids = one->file.equality_ids;
    equalities.try_emplace(ids, store, metadata, ids).first->second.Load(*one);
  }
  for (const auto& [ids, equality] : equalities) {
    for (const auto& data : files) {
      if (!by_value.contains(data.file.file_path)) continue;
      equality.ForEachDeleted(data, [&](int64_t position) { Add(data.file.file_path, position); });
    }
  }
  Settle();
}

void DeletedRows::Settle() {
  for (auto& [path, positions] : positions_) {
    std::ranges::sort(positions);
    positions.erase(std::ranges::unique(positions).begin(), positions.end());
  }
}

const std::vector<int64_t>& DeletedRows::Of(std::string_view file_path) const {
  static const std::vector<int64_t> kNone;
  const auto found = positions_.find(file_path);
  return found == positions_.end() ? kNone : found->second;
}

int64_t DeletedRows::rows() const {
  int64_t rows = 0;
  for (const auto& [path, positions] : positions_) rows += static_cast<int64_t>(positions.size());
  return rows;
}

}  // namespace millrace::land
